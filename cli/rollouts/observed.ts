import type { AuthServiceStatus } from '@authservice-operator/operator/authservice/api/schema.ts'
import { CommandError } from '../command-error.ts'
import type { Kubectl, KubeObject } from '../kubectl.ts'

interface ObservedCondition {
  type: string
  status: string
}

/** The parts of an AuthService that the plug-in reads. */
export interface AuthServiceObject extends KubeObject {
  metadata: KubeObject['metadata'] & { annotations?: Record<string, string> }
  status?: AuthServiceStatus
}

interface Deployment extends KubeObject {
  spec?: { replicas?: number; template?: { metadata?: { labels?: Record<string, string> } } }
  status?: { availableReplicas?: number }
}

interface Pod extends KubeObject {
  metadata: KubeObject['metadata'] & { creationTimestamp?: string; deletionTimestamp?: string }
  status?: {
    phase?: string
    conditions?: ObservedCondition[]
    containerStatuses?: { restartCount?: number; state?: { waiting?: { reason?: string } } }[]
  }
}

/** One AuthService with its server Deployments and pods. */
export interface ObservedAuthService {
  authService: AuthServiceObject
  deployments: Deployment[]
  pods: Pod[]
}

/** The namespace has no AuthService with this name. */
class NoSuchAuthServiceError extends CommandError {
  override name = 'NoSuchAuthServiceError'
  constructor(name: string, namespace: string | undefined) {
    const place = namespace === undefined ? 'this namespace' : `namespace ${namespace}`
    super(
      `There is no AuthService ${name} in ${place}. To use another namespace, add -n NAMESPACE; to list all: kubectl get authsvc --all-namespaces`,
    )
  }
}

/** @throws NoSuchAuthServiceError */
export async function getAuthService(name: string, kubectl: Kubectl): Promise<AuthServiceObject> {
  const found = await kubectl.get<AuthServiceObject>('authservices.auth-operator.dev', name)
  if (found === undefined) throw new NoSuchAuthServiceError(name, await kubectl.namespace())
  return found
}

/** @throws NoSuchAuthServiceError */
export async function observe(name: string, kubectl: Kubectl): Promise<ObservedAuthService> {
  const labels = { 'app.kubernetes.io/instance': name, 'app.kubernetes.io/component': 'server' }
  const [authService, deployments, pods] = await Promise.all([
    getAuthService(name, kubectl),
    kubectl.list<Deployment>('deployments.apps', labels),
    kubectl.list<Pod>('pods', labels),
  ])
  return { authService, deployments, pods }
}
