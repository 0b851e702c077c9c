import { expect, test } from 'vitest'
import { installOperator } from './install-operator.ts'
import type { Kubectl } from './kubectl.ts'

test('a running operator is replaced, because an image that was built again keeps its name', async () => {
  expect(await commandsOf('deployment.apps/authservice-operator')).toContain('rollout restart')
})

test('a new operator starts once', async () => {
  expect(await commandsOf('')).not.toContain('rollout restart')
})

/** The first two words of each command, on a cluster where `kubectl get` prints this. */
async function commandsOf(existing: string): Promise<string[]> {
  const commands: string[] = []
  const run: Kubectl['run'] = async (kubectlArguments) => {
    commands.push(kubectlArguments.slice(0, 2).join(' '))
    return kubectlArguments[0] === 'get' ? existing : ''
  }
  await installOperator({
    binary: 'kubectl',
    cluster: [],
    commandLine: 'kubectl',
    run,
    json: async () => Promise.reject(),
  })
  return commands
}
