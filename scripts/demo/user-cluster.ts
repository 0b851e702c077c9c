import { createInterface } from 'node:readline/promises'
import { type Kubectl, kubectlFor } from './kubectl.ts'
import { operatorDeployment, operatorNamespace, overlay } from './operator-install.ts'
import { describeChanges, plannedChanges } from './planned-changes.ts'
import { forwardPort } from './port-forward.ts'
import { namespaceManifest, type Quickstart } from './quickstart.ts'
import type { Target } from './target.ts'

/** A cluster of the user's own, chosen by the name of a context in the user's kubeconfig. */
export function userCluster(context: string, quickstart: Quickstart): Target {
  const kubectl = kubectlFor('kubectl', ['--context', context])
  const edge = { namespace: quickstart.namespace, target: `service/${quickstart.name}-edge`, port: 443 }
  return {
    kubectl,
    openEdge: () => forwardPort(kubectl, edge),
    preparation: [
      `kubectl --context ${context} port-forward -n ${edge.namespace} ${edge.target} 8443:443 &   # then use port 8443`,
    ],
    kubectlFlags: ['--context', context],
    removal: `npm run demo -- --context ${context} --down`,
  }
}

/**
 * Shows what will be written into the user's cluster and asks.
 * @returns whether to go on
 * @throws when the cluster does not answer, or when there is nobody to ask
 */
export async function confirmChanges(kubectl: Kubectl, quickstart: Quickstart, yes: boolean): Promise<boolean> {
  const manifests = `${await kubectl.run(['kustomize', overlay])}\n---\n${namespaceManifest(quickstart.namespace)}`
  console.log(
    `In the cluster of ${kubectl.commandLine} this will\n` +
      `${describeChanges(await plannedChanges(kubectl, manifests))}\n` +
      `  create  AuthService ${quickstart.namespace}/${quickstart.name} and what the operator makes for it\n` +
      'The cluster must have the two images of this version, or be able to pull them.',
  )
  return yes || (await askWhetherToGoOn())
}

/** @throws when the terminal is not interactive */
export async function askWhetherToGoOn(): Promise<boolean> {
  if (!process.stdin.isTTY) throw new Error('There is nobody to confirm this: run it again with --yes.')
  const prompt = createInterface({ input: process.stdin, output: process.stdout })
  try {
    return /^y(es)?$/i.test((await prompt.question('Go on? [y/N] ')).trim())
  } finally {
    prompt.close()
  }
}

/**
 * Takes away what the demo made: its namespace always, the operator and the CRD only when no other AuthService needs them.
 * @returns what was left, as a sentence; undefined when nothing is left
 */
export async function removeFromUserCluster(kubectl: Kubectl, { namespace }: Quickstart): Promise<string | undefined> {
  await kubectl.run(['delete', 'namespace', namespace, '--ignore-not-found', '--timeout=120s'], { timeoutSeconds: 130 })
  const crd = await kubectl.run(['get', 'crd', 'authservices.auth-operator.dev', '--ignore-not-found', '-o', 'name'])
  const others = crd === '' ? '' : await kubectl.run(['get', 'authservices', '--all-namespaces', '-o', 'name'])
  if (others !== '') {
    return `Other AuthServices are in this cluster, so the operator (${operatorNamespace}/${operatorDeployment}) stays: ${others.split('\n').join(', ')}`
  }
  await kubectl.run(['delete', '--kustomize', overlay, '--ignore-not-found', '--timeout=120s'], { timeoutSeconds: 130 })
  return undefined
}
