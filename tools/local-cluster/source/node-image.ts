import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { cacheKey, fileIngredients } from '../../programs/cache.ts'
import { cacheDirectory } from '../../programs/checkout.ts'
import { ClusterError } from '../../programs/failure.ts'
import { goModuleDirectory, readGoModule } from '../../programs/go-module.ts'
import { goToolchain } from '../../programs/go-toolchain.ts'
import type { GoTools } from '../../programs/go-tools.ts'
import { withLock } from '../../programs/lock.ts'
import type { StepLog } from '../../programs/step-log.ts'
import { askDocker, hasImage } from '../docker.ts'
import { metricsServerImage } from '../metrics-server.ts'
import { privateDocker } from './docker-engine.ts'
import { imageOf, importRootFilesystem, nodeSystem, slim } from './root-filesystem.ts'
import { localPathStorage } from './storage-class.ts'

/*
 * The node image: what `kind build node-image` does, without pulling anything. The images that a node contains are
 * imported into containerd inside a container of the base, and that container is committed.
 */

const recipe = resolve(import.meta.dirname, 'node-image')
const builder = 'authservice-node-image-build'
const helperImage = 'docker.io/kindest/local-path-helper:local'
const provisionerImage = 'docker.io/kindest/local-path-provisioner:local'

/** The name of the image for these tools; another one whenever what it is made from changes. */
export async function nodeImageName(tools: GoTools): Promise<string> {
  const version = await kubernetesVersion()
  const key = cacheKey({
    tools: basename(tools.directory), // itself a key
    system: imageOf(nodeSystem),
    helper: imageOf(slim),
    ...(await fileIngredients(recipe, ['Dockerfile', 'components.Dockerfile'])),
    ...(await fileIngredients(import.meta.dirname, ['node-image.ts', 'storage-class.ts'])),
  })
  return `kindest/node:${version}-${key}`
}

/** Builds the node image unless the engine has it. Two processes never build at the same time. */
export async function buildNodeImage(tools: GoTools, log: StepLog): Promise<string> {
  const image = await nodeImageName(tools)
  const lock = join(cacheDirectory, 'locks', 'node-image.lock')
  const onWait = () => log.report('Another run is building the node image: waiting for it')
  await withLock(
    lock,
    async () => {
      if (!(await hasImage(privateDocker, image))) await assemble(image, tools, log)
    },
    onWait,
  )
  return image
}

async function assemble(image: string, tools: GoTools, log: StepLog): Promise<void> {
  await importRootFilesystem(nodeSystem, log)
  await docker(log, ['tag', await importRootFilesystem(slim, log), helperImage])
  const components = await buildComponents(tools, log)
  const context = await mkdtemp(join(tmpdir(), 'authservice-node-'))
  try {
    await fillContext(context, tools, log)
    log.report('Installing Kubernetes into the base system')
    await docker(log, [
      'build',
      '--network',
      'host',
      '--tag',
      'kind-node-base:local',
      '--build-arg',
      `NODE_SYSTEM=${imageOf(nodeSystem)}`,
      '--build-arg',
      `KUBERNETES_VERSION=${await kubernetesVersion()}`,
      context,
    ])
    await commitWithImages(image, [...components, helperImage], context, log)
  } finally {
    await rm(context, { recursive: true, force: true })
  }
  await docker(log, ['rmi', ...components]) // the node image contains them
}

/** Resolves with the references of the images that kubeadm, the metrics server and the default StorageClass need. */
async function buildComponents(tools: GoTools, log: StepLog): Promise<string[]> {
  const listed = await log.run(tools.kubeadm, [
    'config',
    'images',
    'list',
    '--kubernetes-version',
    await kubernetesVersion(),
  ])
  const references = [...listed.split('\n').filter((line) => line !== ''), metricsServerImage, provisionerImage]
  const dockerfile = join(recipe, 'components.Dockerfile')
  for (const reference of references) {
    log.report(`Packing ${reference}`)
    await docker(log, [
      'build',
      '--quiet',
      '--tag',
      reference,
      '--target',
      componentOf(reference),
      '--build-arg',
      `NODE_SYSTEM=${imageOf(nodeSystem)}`,
      '--file',
      dockerfile,
      tools.directory,
    ])
  }
  // The name that kind's configuration of containerd uses.
  const pause = references.find((reference) => componentOf(reference) === 'pause')
  if (pause === undefined) throw new ClusterError('kubeadm names no pause image: this Kubernetes needs another recipe.')
  const sandbox = 'registry.k8s.io/pause:3.10'
  await docker(log, ['tag', pause, sandbox])
  return [...new Set([...references, sandbox])]
}

/** `registry.k8s.io/coredns/coredns:v1.14.2` is `coredns`. */
function componentOf(reference: string): string {
  return basename(reference).replace(/:.*/, '')
}

async function fillContext(context: string, tools: GoTools, log: StepLog): Promise<void> {
  const kind = await moduleDirectory(goModuleDirectory, 'sigs.k8s.io/kind', log)
  const localPath = await moduleDirectory(
    join(goModuleDirectory, 'local-path'),
    'github.com/rancher/local-path-provisioner',
    log,
  )
  await cp(join(kind, 'images/base/files'), join(context, 'files'), { recursive: true })
  await log.run('chmod', ['-R', 'u+w', context]) // Go's module cache is read-only
  for (const program of [
    tools.containerd,
    tools.ctr,
    tools.containerdShim,
    tools.kubeadm,
    tools.kubelet,
    tools.kubectl,
  ]) {
    await cp(program, join(context, basename(program)))
  }
  const manifest = await readFile(join(localPath, 'deploy/local-path-storage.yaml'), 'utf8')
  await writeFile(join(context, 'default-storage.yaml'), localPathStorage(manifest, { provisionerImage, helperImage }))
  await cp(join(recipe, 'Dockerfile'), join(context, 'Dockerfile'))
}

/** Where Go keeps a module's files, downloaded when they are not there. */
async function moduleDirectory(directory: string, module: string, log: StepLog): Promise<string> {
  const go = await goToolchain((await readGoModule()).goVersion, log)
  const answer = await log.run(go, ['mod', 'download', '-json', module], { cwd: directory, env: { GOWORK: 'off' } })
  const { Dir } = JSON.parse(answer) as { Dir: string } // the format of `go help mod download`
  return Dir
}

async function commitWithImages(image: string, references: string[], context: string, log: StepLog): Promise<void> {
  log.report('Importing the images into the node')
  await askDocker(privateDocker, ['rm', '--force', builder])
  const isolation = ['--network', 'none', '--security-opt', 'seccomp=unconfined', '--entrypoint', 'sleep']
  await docker(log, ['run', '--detach', '--name', builder, ...isolation, 'kind-node-base:local', 'infinity'])
  try {
    await docker(log, ['exec', '--detach', builder, 'containerd'])
    await waitForContainerd()
    const archive = join(context, 'images.tar')
    await docker(log, ['save', '--output', archive, ...references])
    const importing = ['images', 'import', '--label=io.cri-containerd.pinned=pinned', '--no-unpack', '--digests', '-']
    await docker(log, ['exec', '--interactive', builder, 'ctr', '--namespace', 'k8s.io', ...importing], archive)
    await docker(log, ['exec', builder, 'sh', '-c', 'pkill containerd; while pgrep containerd; do sleep 0.1; done'])
    const entrypoint = 'ENTRYPOINT ["/usr/local/bin/entrypoint","/sbin/init"]'
    await docker(log, ['commit', '--change', entrypoint, builder, image])
  } finally {
    await askDocker(privateDocker, ['rm', '--force', builder])
  }
}

async function waitForContainerd(): Promise<void> {
  const deadline = performance.now() + 30_000
  while ((await askDocker(privateDocker, ['exec', builder, 'ctr', 'info'])) === undefined) {
    if (performance.now() > deadline) throw new ClusterError('containerd did not start in the node image within 30 s.')
    await delay(200)
  }
}

async function kubernetesVersion(): Promise<string> {
  return (await readGoModule()).versionOf('k8s.io/kubernetes')
}

function docker(log: StepLog, command: readonly string[], inputFile?: string): Promise<string> {
  return log.run(privateDocker.binary, command, {
    env: privateDocker.env,
    ...(inputFile !== undefined && { inputFile }),
  })
}
