import { execa } from 'execa'
import { goClients } from '../programs/go-tools.ts'
import type { StepLog } from '../programs/step-log.ts'
import type { ClusterState } from './state.ts'

/** kind and kubectl from PATH, or built from Go modules. */
export async function clientTools(log: StepLog): Promise<Pick<ClusterState, 'kind' | 'kubectl'>> {
  const onPath = async (command: string, question: readonly string[]) =>
    !(await execa(command, question, { reject: false, stdio: 'ignore' })).failed
  const [hasKind, hasKubectl] = await Promise.all([
    onPath('kind', ['version']),
    onPath('kubectl', ['version', '--client']),
  ])
  if (hasKind && hasKubectl) return { kind: 'kind', kubectl: 'kubectl' }
  log.report('Building kind and kubectl from Go modules, since PATH does not have them')
  const built = await goClients(log)
  return { kind: hasKind ? 'kind' : built.kind, kubectl: hasKubectl ? 'kubectl' : built.kubectl }
}
