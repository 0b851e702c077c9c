/**
 * `npm run demo`: from an empty machine to a user who logs in through a real cluster.
 *
 * Usage: npm run demo [-- --down | --context NAME [--yes] | --port N]
 */
import { Listr } from 'listr2'
import { type Quickstart, readQuickstart } from '../../tools/cluster-client/quickstart.ts'
import { clusterTasks, destroyCluster, imageTasks, runningCluster } from '../../tools/local-cluster/cluster.ts'
import { type DemoOptions, parseOptions, UsageError, usage } from './options.ts'
import { ownCluster } from './own-cluster.ts'
import { type DemoRun, demoSteps } from './steps.ts'
import { confirmChanges, confirmInTerminal, removeFromUserCluster, userCluster } from './user-cluster.ts'

/** The demo uses its own namespace in any cluster. */
const namespace = 'authservice-demo'

try {
  const options = parseOptions(process.argv.slice(2))
  if (options.action === 'help') console.log(usage)
  else if (options.action === 'down') await remove(options, await readQuickstart(namespace))
  else await run(options, await readQuickstart(namespace))
} catch (error) {
  console.error(`\n${error instanceof Error ? error.message : error}`)
  process.exitCode = error instanceof UsageError ? 2 : 1
}

async function run({ context, yes, port }: DemoOptions, quickstart: Quickstart): Promise<void> {
  if (context === undefined) {
    await runSteps({}, [
      ...clusterTasks({ ...(port !== undefined && { edgePort: port }) }),
      ...imageTasks(),
      {
        title: 'Connection to the cluster',
        task: async (run: DemoRun) => {
          run.target = ownCluster(await runningCluster())
        },
      },
      ...demoSteps(quickstart),
    ])
    return
  }
  const target = userCluster(context, quickstart)
  if (await confirmChanges(target.kubectl, quickstart, yes)) await runSteps({ target }, demoSteps(quickstart))
  else console.log('Nothing was changed.')
}

async function runSteps(start: DemoRun, steps: ConstructorParameters<typeof Listr<DemoRun>>[0]): Promise<void> {
  const { words } = await new Listr<DemoRun>(steps, { ctx: start }).run()
  console.log(words)
}

async function remove({ context, yes }: DemoOptions, quickstart: Quickstart): Promise<void> {
  if (context === undefined) {
    await destroyCluster()
    console.log(
      'The demo was removed. Caches are kept, so that the next one starts faster. To see where they are, run npm run cluster -- status.',
    )
    return
  }
  const { kubectl } = userCluster(context, quickstart)
  console.log(
    `In the cluster of ${kubectl.commandLine} this deletes the namespace ${namespace}, and the operator with its CRD if no other AuthService is left.`,
  )
  if (!yes && !(await confirmInTerminal())) return console.log('Nothing was changed.')
  console.log((await removeFromUserCluster(kubectl, quickstart)) ?? 'The demo was removed.')
}
