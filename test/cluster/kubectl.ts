import { checkout } from './checkout.ts'

/** kubectl's path and the options that lead it to a cluster. */
export type Kubectl = readonly [string, ...string[]]

/** For this checkout's cluster. */
export function kubectlCommand(binary: string): Kubectl {
  return [binary, '--kubeconfig', checkout.kubeconfigPath]
}
