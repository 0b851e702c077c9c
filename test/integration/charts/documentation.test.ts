import { afterAll, beforeAll, expect, test } from 'vitest'
import { checker } from '../../../tools/checkers/go-checkers.ts'
import { helm } from '../../../tools/checkers/helm.ts'
import { kubernetesBinaries } from '../../../tools/local-servers/binaries.ts'
import { startKubeApiserver, type TestApiServer } from '../../../tools/local-servers/kube-apiserver.ts'
import { documentedBlocks } from '../../documentation/blocks.ts'
import { runnerOf } from '../../documentation/how-to-run.ts'
import { runBlock, type Sandbox } from '../../documentation/run-block.ts'
import { operatorChart, root, system } from './charts-under-test.ts'

const blocks = documentedBlocks().filter((block) => block.language === 'sh' && runnerOf(block) === 'helm')

let apiServer: TestApiServer
let sandbox: Sandbox
beforeAll(async () => {
  const path = await checker('helm')
  const { kubectl } = await kubernetesBinaries()
  apiServer = await startKubeApiserver()
  const { kubeconfigPath } = apiServer
  sandbox = { kubectl, helm: path, kubeconfigPath, namespace: 'default', words: {}, root }
}, 900_000)
afterAll(() => apiServer.stop())

/** A block that installs needs a cluster without a release; every other block needs one with it. */
async function prepare(installs: boolean): Promise<void> {
  const release = ['authservice-operator', '--namespace', system]
  const { ok: isThere } = await helm(['status', ...release], apiServer.kubeconfigPath)
  if (installs === !isThere) return
  const command = installs
    ? ['uninstall', ...release]
    : ['install', ...release.toSpliced(1, 0, operatorChart), '--create-namespace']
  const { ok, stderr } = await helm(command, apiServer.kubeconfigPath)
  expect(ok, stderr).toBe(true)
}

test('the README and the installation page contain commands of Helm', () => {
  expect(blocks.map(({ page }) => page)).toEqual(expect.arrayContaining(['README.md', 'docs/install.md']))
})

test.each(blocks.map((block) => ({ at: `${block.page}:${block.line}`, block })))(
  'the commands at $at do what they say',
  async ({ block }) => {
    await prepare(block.text.includes('helm install'))
    expect(await runBlock(block.text, sandbox, 50)).toBe('')
  },
)
