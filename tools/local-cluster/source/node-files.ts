import { createHash } from 'node:crypto'
import { copyFile, cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { cached, type Ingredients } from '../../programs/cache.ts'
import { checkout } from '../../programs/checkout.ts'
import { ClusterError } from '../../programs/failure.ts'
import type { StepLog } from '../../programs/step-log.ts'

/** The major version that the published image of Node 24 contains. */
const npmVersion = '11.21.2'

const nodePackage = join(checkout.root, 'node_modules', `node-linux-${process.arch}`)
const authorities = process.env.NODE_EXTRA_CA_CERTS ?? '/etc/ssl/certs/ca-certificates.crt'

/** The contents of the stand-in for the Node image: Node's npm package, npm, and this machine's registry settings. */
export const nodeFiles = {
  async ingredients(): Promise<Ingredients> {
    return {
      npm: npmVersion,
      node: await nodeVersion(),
      authorities: createHash('sha256')
        .update(await readAuthorities())
        .digest('hex'),
      registry: await registry(),
    }
  },

  async fill(context: string, log: StepLog): Promise<void> {
    await copyFile(join(nodePackage, 'bin/node'), join(context, 'node'))
    await cp(join(await npm(log), 'node_modules/npm'), join(context, 'npm'), { recursive: true })
    await writeFile(join(context, 'ca-certificates.crt'), await readAuthorities())
    await writeFile(join(context, 'npmrc'), `registry=${await registry()}\n`)
  },
}

async function nodeVersion(): Promise<string> {
  const description = await readFile(join(nodePackage, 'package.json'), 'utf8').catch(() => undefined)
  if (description === undefined) {
    throw new ClusterError(
      `The npm package node-linux-${process.arch} is not installed: run "npm ci", then this again.`,
    )
  }
  const { version } = JSON.parse(description) as { version: string } // every package.json of npm has one
  return version
}

function npm(log: StepLog): Promise<string> {
  return cached('npm', { version: npmVersion }, async (directory) => {
    const options = ['--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts']
    await log.run('npm', ['install', ...options, '--prefix', directory, `npm@${npmVersion}`])
  })
}

/** The authorities that this machine trusts. They include that of a proxy that intercepts TLS. */
function readAuthorities(): Promise<Buffer> {
  return readFile(authorities)
}

async function registry(): Promise<string> {
  const { stdout } = await execa('npm', ['config', 'get', 'registry'], { cwd: checkout.root })
  return stdout.trim()
}
