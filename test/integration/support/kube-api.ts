import { readFileSync } from 'node:fs'
import { KubeConfig } from '@kubernetes/client-node'
import { inject } from 'vitest'
import { KubeClient } from '../../../operator/kube/client.ts'
import type { Log } from '../../../operator/kube/log.ts'
import type { KubernetesObject, Resource } from '../../../operator/kube/objects.ts'
import { type RequestObserver, Transport } from '../../../operator/kube/transport.ts'

export const namespaces: Resource = { apiVersion: 'v1', kind: 'Namespace', plural: 'namespaces', namespaced: false }
export const configMaps: Resource = { apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true }
export const leases: Resource = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
}

export type ConfigMap = KubernetesObject & { data?: Record<string, string> }

export function kubeConfigAt(path: string): KubeConfig {
  const config = new KubeConfig()
  config.loadFromFile(path)
  return config
}

/** A client with the rights of the kubeconfig's user. */
export function clientAt(kubeconfigPath: string, fieldManager = 'a-user'): KubeClient {
  return new KubeClient(new Transport(kubeConfigAt(kubeconfigPath), fieldManager), fieldManager)
}

/** A transport to the shared API server. @param port the port of a proxy in front of it */
export function apiTransport(port = inject('apiServer').port, observe?: RequestObserver): Transport {
  const text = readFileSync(inject('apiServer').kubeconfigPath, 'utf8')
  const config = new KubeConfig()
  config.loadFromString(text.replace(`127.0.0.1:${inject('apiServer').port}`, `127.0.0.1:${port}`))
  return new Transport(config, 'kube-test', observe)
}

/** A client of the shared API server. @param port the port of a proxy in front of it */
export function apiClient(port = inject('apiServer').port, fieldManager = 'kube-test'): KubeClient {
  return new KubeClient(apiTransport(port), fieldManager)
}

export async function makeNamespace(name: string): Promise<string> {
  await apiClient().create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  return name
}

export function configMap(namespace: string, name: string, data: Record<string, string> = {}): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name }, data }
}

/** Records log lines. */
export class RecordingLog implements Log {
  readonly lines: { level: string; message: string; fields: object }[] = []
  debug = (fields: object, message: string) => void this.lines.push({ level: 'debug', message, fields })
  info = (fields: object, message: string) => void this.lines.push({ level: 'info', message, fields })
  warn = (fields: object, message: string) => void this.lines.push({ level: 'warn', message, fields })
  error = (fields: object, message: string) => void this.lines.push({ level: 'error', message, fields })
}
