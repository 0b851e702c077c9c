import { onEarlyExit } from '../programs/exit-hooks.ts'
import { goTools, goToolsAreBuilt } from '../programs/go-tools.ts'
import { clientTools } from './client-tools.ts'
import { hasImage, usersDocker } from './docker.ts'
import { createKindCluster, removeNodesNow } from './kind.ts'
import { kubectlCommand } from './kubectl.ts'
import { installMetricsServer } from './metrics-server.ts'
import { type ClusterRequest, type CreationPlan, makePlan, type Plan } from './plan.ts'
import { engineAnswers, privateDocker, startEngine, stopIdleEngineNow } from './source/docker-engine.ts'
import { buildNodeImage, nodeImageName } from './source/node-image.ts'
import { buildRootFilesystem, nodeSystem, rootFilesystemIsCached, services, slim } from './source/root-filesystem.ts'
import { installPackages, missingPackages } from './source/system-packages.ts'
import { type ClusterState, writeState } from './state.ts'
import type { Step } from './step.ts'

/** File systems of the node image and of the substitutes for published images, built while Go compiles. */
const fileSystems = [nodeSystem, slim, services]

/** What the steps pass on. */
interface Progress {
  plan?: Plan
  /** The settings of the created cluster. */
  state?: ClusterState
  /** Undoes unfinished work when the process ends early. Disposed when the cluster is complete. */
  undo: DisposableStack
}

/**
 * The steps from a bare machine to a running cluster. The first step decides which of the others are necessary. The
 * steps of an inner list may run at the same time.
 */
export function machineSteps(request: ClusterRequest): Step[][] {
  const progress: Progress = { undo: new DisposableStack() }
  const creating = () => progress.plan?.kind !== 'keep'
  const fromSource = () => creating() && (progress.plan as CreationPlan | undefined)?.mode !== 'published' // not `keep`
  const only = (applies: () => boolean, steps: Step[][]) =>
    steps.map((group) => group.map((step) => ({ ...step, applies })))
  return [
    [decide(request, progress)],
    ...only(fromSource, sourceSteps(progress)),
    ...only(creating, [[create(progress)], [complete(progress)]]),
  ]
}

function decide(request: ClusterRequest, progress: Progress): Step {
  return {
    id: '00-decide',
    title: 'How this machine can run a cluster',
    usualSeconds: 1,
    run: async () => {
      progress.plan = await makePlan(request)
      return progress.plan.message
    },
  }
}

function sourceSteps(progress: Progress): Step[][] {
  const packages: Step = {
    id: '01-debian-packages',
    title: 'Debian packages',
    usualSeconds: 30,
    done: async () => (missingPackages().length === 0 ? 'already installed' : undefined),
    run: async (log) => {
      const missing = missingPackages()
      await installPackages(missing, log)
      return `installed ${missing.join(', ')}`
    },
  }
  const tools: Step = {
    id: '02-go-tools',
    title: 'Kubernetes, etcd, containerd, CoreDNS and kind from Go modules',
    usualSeconds: 480,
    done: async () => ((await goToolsAreBuilt()) ? 'already built' : undefined),
    run: async (log) => {
      await goTools(log)
    },
  }
  const systems: Step = {
    id: '03-file-systems',
    title: 'Debian file systems for images',
    usualSeconds: 100,
    done: async () => (fileSystems.every(rootFilesystemIsCached) ? 'already built' : undefined),
    run: async (log) => {
      for (const system of fileSystems) await buildRootFilesystem(system, log)
    },
  }
  const engine: Step = {
    id: '04-container-engine',
    title: 'A separate container engine',
    usualSeconds: 3,
    run: async () => {
      const runs = await engineAnswers()
      await startEngine((await goTools()).runcWithoutSysResource)
      progress.undo.use(onEarlyExit(stopIdleEngineNow))
      return runs ? 'already running' : undefined
    },
  }
  const nodeImage: Step = {
    id: '05-node-image',
    title: 'Node image for kind',
    usualSeconds: 60,
    done: async () => ((await nodeImageIsBuilt()) ? 'already built' : undefined),
    run: async (log) => {
      await buildNodeImage(await goTools(log), log)
    },
  }
  return [[packages], [tools, systems], [engine], [nodeImage]]
}

async function nodeImageIsBuilt(): Promise<boolean> {
  return hasImage(privateDocker, await nodeImageName(await goTools()))
}

function create(progress: Progress): Step {
  return {
    id: '06-create-cluster',
    title: 'kind cluster',
    usualSeconds: 25,
    run: async (log) => {
      if (progress.plan?.kind !== 'create') throw new Error('the first step has not run')
      const { mode, nodes, edgePort } = progress.plan
      const common = { mode, nodes, edgePort }
      const state: ClusterState =
        mode === 'source' ? { ...common, ...(await builtParts()) } : { ...common, ...(await clientTools(log)) }
      const docker = mode === 'source' ? privateDocker : usersDocker
      progress.undo.use(onEarlyExit(() => removeNodesNow(docker)))
      await createKindCluster(state, docker, log)
      progress.state = state
      return `${nodes} ${nodes === 1 ? 'node' : 'nodes'}, 127.0.0.1:${edgePort} leads to the edge`
    },
  }
}

async function builtParts(): Promise<Pick<ClusterState, 'kind' | 'kubectl' | 'nodeImage'>> {
  const tools = await goTools()
  return { kind: tools.kind, kubectl: tools.kubectl, nodeImage: await nodeImageName(tools) }
}

/** The last step, which also records that the cluster is complete. */
function complete(progress: Progress): Step {
  return {
    id: '07-metrics-server',
    title: 'Metrics server',
    usualSeconds: 20,
    run: async (log) => {
      if (progress.state === undefined) throw new Error('the step that creates the cluster has not run')
      await installMetricsServer(kubectlCommand(progress.state.kubectl), log)
      await writeState(progress.state)
      progress.undo.dispose()
    },
  }
}
