import { mkdir, writeFile } from 'node:fs/promises'
import { relative, resolve } from 'node:path'
import type { ListrTask } from 'listr2'
import { installOperator } from '../../tools/cluster-client/install-operator.ts'
import {
  applyQuickstart,
  connectToEdge,
  edgeAuthority,
  type Quickstart,
} from '../../tools/cluster-client/quickstart.ts'
import { waitUntilReady } from '../../tools/cluster-client/readiness.ts'
import { walkThrough } from '../../tools/cluster-client/walk-through.ts'
import { type Closing, closingWords } from './closing-words.ts'
import type { Target } from './target.ts'

const root = resolve(import.meta.dirname, '../..')
const state = resolve(root, '.cluster')

/** State that the steps pass on. */
export interface DemoRun {
  target?: Target
  /** Set by the last step: the final message. */
  words?: string
}

/** From a running cluster with the images to a user who is logged in. */
export function demoSteps(quickstart: Quickstart): ListrTask<DemoRun>[] {
  return [
    {
      title: 'Operator: CRD, roles, Deployment (usually 10 s)',
      task: (run) => installOperator(targetOf(run).kubectl),
    },
    {
      title: `AuthService ${quickstart.namespace}/${quickstart.name} from ${quickstart.file} (usually 30 s)`,
      task: async (run, task) => {
        const { kubectl } = targetOf(run)
        await applyQuickstart(kubectl, quickstart)
        await waitUntilReady(kubectl, { ...quickstart, timeoutSeconds: 300 }, (message) => {
          task.output = message
        })
      },
    },
    {
      title: 'Register and log in through the edge, over HTTPS (usually 2 s)',
      task: async (run) => {
        run.words = closingWords(await logIn(targetOf(run), quickstart))
      },
    },
  ]
}

async function logIn(target: Target, quickstart: Quickstart): Promise<Closing> {
  const { kubectl, preparation, kubectlFlags, removal } = target
  await mkdir(state, { recursive: true })
  const authorityFile = resolve(state, `${quickstart.name}-ca.crt`)
  await writeFile(authorityFile, await edgeAuthority(kubectl, quickstart))

  const access = await target.openEdge()
  const edge = await connectToEdge(kubectl, quickstart, access.port)
  try {
    const user = await walkThrough(edge)
    const file = relative(process.cwd(), authorityFile)
    return { quickstart, user, port: access.port, authorityFile: file, preparation, kubectlFlags, removal }
  } finally {
    await edge.close()
    await access.close()
  }
}

function targetOf({ target }: DemoRun): Target {
  if (target === undefined) throw new Error('the step that chooses the cluster has not run')
  return target
}
