import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { beforeAll, expect, test } from 'vitest'
import { publicKeyFile } from '../../scripts/release/runs.ts'
import { projectVersion } from '../../scripts/release/version.ts'
import { cosign } from '../../tools/checkers/cosign.ts'
import { checker } from '../../tools/checkers/go-checkers.ts'
import { clientTools } from '../../tools/local-cluster/client-tools.ts'
import { StepLog } from '../../tools/programs/step-log.ts'
import { documentedBlocks } from '../documentation/blocks.ts'
import { runnerOf } from '../documentation/how-to-run.ts'
import { runBlock, type Sandbox } from '../documentation/run-block.ts'
import { released } from './verification.ts'

const root = resolve(import.meta.dirname, '../..')
const repository = 'https://github.com/authservice-operator/authservice-operator'

/** The commands that need no cluster. cluster.test.ts runs the others. */
const blocks = documentedBlocks().filter(
  (block) => block.language === 'sh' && runnerOf(block) === 'release' && /^(cosign|crane|curl) /m.test(block.text),
)

let sandbox: Sandbox
beforeAll(async () => {
  const version = await projectVersion()
  const { kubectl } = await clientTools(new StepLog(join(released.output, '../release-documentation.log')))
  const cosignPath = (await execa('sh', ['-c', 'command -v "$1"', 'sh', await cosign()])).stdout
  const kubeconfigPath = join(released.output, '../release-documentation.kubeconfig')
  // No command of these reads a cluster, but each block runs with a context.
  await execa(kubectl, ['--kubeconfig', kubeconfigPath, 'config', 'set-context', 'none'])
  await execa(kubectl, ['--kubeconfig', kubeconfigPath, 'config', 'use-context', 'none'])
  sandbox = {
    kubectl,
    kubeconfigPath,
    root,
    namespace: 'default',
    programs: { cosign: cosignPath, crane: await checker('crane') },
    words: {
      // A dry run signs with a key, and has no transparency log.
      [`--certificate-identity ${repository}/.github/workflows/release.yml@refs/tags/v${version}`]: `--key ${join(released.output, publicKeyFile)}`,
      '--certificate-oidc-issuer https://token.actions.githubusercontent.com': '--insecure-ignore-tlog',
      [`${repository}/releases/download/v${version}`]: `file://${released.output}`,
      'ghcr.io/authservice-operator': released.registry,
    },
  }
})

test.each(blocks.map((block) => ({ at: `${block.page}:${block.line}`, block })))(
  'the commands at $at verify a release',
  async ({ block }) => {
    expect(await runBlock(block.text, sandbox, 120)).toBe('')
  },
)

test('a page says how to verify images, the chart, an SBOM, the provenance and the files', () => {
  const text = blocks.map((block) => block.text).join('\n')
  for (const what of ['cosign verify ', 'charts/', '--type spdxjson', '--type slsaprovenance1', 'verify-blob']) {
    expect(text).toContain(what)
  }
})
