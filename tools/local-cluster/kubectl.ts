import { checkout } from '../programs/checkout.ts'

/** The path of kubectl and the options that select a cluster. */
export type Kubectl = readonly [string, ...string[]]

/** The command for this checkout's cluster. */
export function kubectlCommand(binary: string): Kubectl {
  return [binary, '--kubeconfig', checkout.kubeconfigPath]
}
