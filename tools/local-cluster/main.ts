/**
 * `npm run cluster`: a real Kubernetes cluster for this checkout.
 *
 * Usage: npm run cluster -- up | images | status | down [--nodes N] [--edge-port P]
 */
import { relative } from 'node:path'
import { Listr, type ListrTask } from 'listr2'
import { cacheDirectory, checkout } from '../programs/checkout.ts'
import { type Cluster, clusterStatus, clusterTasks, destroyCluster, imageTasks, runningCluster } from './cluster.ts'
import { type ClusterCommand, parseCommandLine, UsageError, usage } from './command-line.ts'

/** A failure that the list of steps has already printed. */
class StepFailed extends Error {}

try {
  await perform(parseCommandLine(process.argv.slice(2)))
} catch (error) {
  if (!(error instanceof StepFailed)) console.error(error instanceof Error ? error.message : error)
  // Ends steps that run in parallel with the failed one.
  process.exit(error instanceof UsageError ? 2 : 1)
}

async function perform(command: ClusterCommand): Promise<void> {
  switch (command.action) {
    case 'help':
      return console.log(usage)
    case 'up':
      await runTasks(clusterTasks(command.request))
      return console.log(describe(await runningCluster()))
    case 'images':
      return runTasks(imageTasks())
    case 'status':
      return printStatus()
    case 'down':
      await destroyCluster()
      return console.log(`The cluster of this checkout was removed. Caches are kept in ${cacheDirectory}.`)
    default:
      command satisfies never
  }
}

async function runTasks(tasks: ListrTask[]): Promise<void> {
  try {
    await new Listr(tasks, { rendererOptions: { collapseErrors: false } }).run()
  } catch (error) {
    throw new StepFailed('a step failed', { cause: error })
  }
}

async function printStatus(): Promise<void> {
  const status = await clusterStatus()
  switch (status.state) {
    case 'absent':
      return console.log(`There is no cluster: "npm run cluster -- up" creates one. Caches are in ${cacheDirectory}.`)
    case 'broken':
      console.log(`The cluster ${status.problem}: "npm run cluster -- up" replaces it.`)
      process.exitCode = 1
      return
    case 'running':
      return console.log(describe(status.cluster))
    default:
      status satisfies never
  }
}

function describe({ name, mode, nodes, kubeconfigPath, kubectl, edgePort, docker }: Cluster): string {
  const engine = docker.env.DOCKER_HOST ?? "the user's Docker"
  return `
The cluster ${name} is running, ${mode === 'source' ? 'built from source' : 'from published images'}, ${nodes === 1 ? '1 node' : `${nodes} nodes`}.
  kubectl      export KUBECONFIG=${kubeconfigPath}
               ${kubectl} get nodes
  edge         https://127.0.0.1:${edgePort} leads to node port 30443
  engine       ${engine}
  logs         ${relative(process.cwd(), checkout.logDirectory)}
  caches       ${cacheDirectory}
  images       npm run cluster -- images
  remove       npm run cluster -- down`
}
