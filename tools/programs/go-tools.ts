import { existsSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { cached, fileIngredients, type Ingredients, isCached } from './cache.ts'
import { checkout } from './checkout.ts'
import { type GoModule, goModuleDirectory, readGoModule } from './go-module.ts'
import { goToolchain } from './go-toolchain.ts'
import { StepLog } from './step-log.ts'

/** The paths of programs that are built from Go modules. */
export interface GoTools {
  /** The directory of all programs. */
  directory: string
  containerd: string
  containerdShim: string
  coredns: string
  ctr: string
  etcd: string
  kind: string
  kubeApiserver: string
  kubeControllerManager: string
  kubeProxy: string
  kubeScheduler: string
  kubeadm: string
  kubectl: string
  kubelet: string
  kwok: string
  localPathProvisioner: string
  metricsServer: string
  pause: string
  runcWithoutSysResource: string
}

const files: Readonly<Record<Exclude<keyof GoTools, 'directory'>, string>> = {
  containerd: 'containerd',
  containerdShim: 'containerd-shim-runc-v2',
  coredns: 'coredns',
  ctr: 'ctr',
  etcd: 'etcd',
  kind: 'kind',
  kubeApiserver: 'kube-apiserver',
  kubeControllerManager: 'kube-controller-manager',
  kubeProxy: 'kube-proxy',
  kubeScheduler: 'kube-scheduler',
  kubeadm: 'kubeadm',
  kubectl: 'kubectl',
  kubelet: 'kubelet',
  kwok: 'kwok',
  localPathProvisioner: 'local-path-provisioner',
  metricsServer: 'metrics-server',
  pause: 'pause',
  runcWithoutSysResource: 'runc-without-sys-resource',
}

const sources = ['go.mod', 'go.sum', 'dns/main.go', 'pause/main.go', 'runc-without-sys-resource/main.go']
const localPathSources = ['local-path/go.mod', 'local-path/go.sum']
const tags = 'no_btrfs,no_devmapper,no_zfs,no_aufs'

/**
 * Kubernetes, etcd, containerd, CoreDNS, kind and others, built from source once and cached. Takes minutes with an
 * empty Go cache. Two processes never build at the same time.
 *
 * @param log receives the compiler's output and the progress
 * @throws {ClusterError} when Go is not available, or a build fails
 */
export async function goTools(log: StepLog = defaultLog()): Promise<GoTools> {
  const module = await readGoModule()
  const directory = await cached(
    'go-tools',
    await ingredients(module),
    (unfinished) => build(module, unfinished, log),
    () => log.report('Another run is building the same tools: waiting for it'),
  )
  return pathsIn(directory)
}

/**
 * The two programs that a machine with Docker and an image registry needs. Building them takes minutes less than all.
 */
export async function goClients(log: StepLog): Promise<Pick<GoTools, 'kind' | 'kubectl'>> {
  if (await goToolsAreBuilt()) return goTools(log)
  const module = await readGoModule()
  const directory = await cached('go-clients', await ingredients(module), async (unfinished) => {
    const compile = await compiler(module, unfinished, log)
    await compile(goModuleDirectory, linkerFlags(module), ['sigs.k8s.io/kind', 'k8s.io/kubernetes/cmd/kubectl'])
  })
  return { kind: join(directory, files.kind), kubectl: join(directory, files.kubectl) }
}

/** Whether `goTools` would return without a build. */
export async function goToolsAreBuilt(): Promise<boolean> {
  return isCached('go-tools', await ingredients(await readGoModule()))
}

function defaultLog(): StepLog {
  return new StepLog(join(checkout.logDirectory, 'go-tools.log'))
}

async function ingredients(module: GoModule): Promise<Ingredients> {
  const texts = await fileIngredients(goModuleDirectory, [...sources, ...localPathSources])
  return { ...texts, tags, linkerFlags: linkerFlags(module), platform: `${process.platform}-${process.arch}` }
}

/** Clients parse the server's version, so it is linked in. */
export function linkerFlags(module: GoModule): string {
  const version = module.versionOf('k8s.io/kubernetes')
  const [major, minor] = version.slice(1).split('.')
  const variables = {
    gitVersion: version,
    gitMajor: major,
    gitMinor: minor,
    gitCommit: 'unknown',
    gitTreeState: 'clean',
  }
  const settings = Object.entries(variables).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`)
  return ['-s', '-w', ...settings].join(' ')
}

async function build(module: GoModule, directory: string, log: StepLog): Promise<void> {
  const compile = await compiler(module, directory, log)
  const programs = ['tool', './dns', './pause', './runc-without-sys-resource']
  await compile(goModuleDirectory, linkerFlags(module), programs)
  await compile(join(goModuleDirectory, 'local-path'), '-s -w', ['github.com/rancher/local-path-provisioner'])
  // These two packages have other names than their programs.
  await rename(join(directory, 'server'), join(directory, files.etcd))
  await rename(join(directory, 'dns'), join(directory, files.coredns))
  const missing = Object.values(files).filter((file) => !existsSync(join(directory, file)))
  if (missing.length > 0) throw new Error(`go build has not created ${missing.join(', ')}`)
}

/** @returns a function that builds packages of a Go module into a directory */
export async function compiler(module: GoModule, directory: string, log: StepLog) {
  const go = await goToolchain(module.goVersion, log)
  return (cwd: string, flags: string, packages: readonly string[]) =>
    log.run(go, ['build', '-v', '-trimpath', '-tags', tags, '-ldflags', flags, '-o', `${directory}/`, ...packages], {
      cwd,
      env: { CGO_ENABLED: '0', GOWORK: 'off', GOFLAGS: '-mod=readonly -buildvcs=false' },
      progress: compilerProgress(),
    })
}

/** Counts packages: `go build -v` prints each one that it compiles. */
function compilerProgress(): (line: string) => string {
  let compiled = 0
  return (line) => {
    if (line.startsWith('go: downloading')) return line.slice('go: '.length)
    compiled += 1
    return `compiling package ${compiled}: ${line}`
  }
}

function pathsIn(directory: string): GoTools {
  const paths = Object.entries(files).map(([tool, file]) => [tool, join(directory, file)])
  return { directory, ...Object.fromEntries(paths) } as GoTools // fromEntries loses the names, which `files` has checked
}
