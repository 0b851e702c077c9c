import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { generatedFiles } from './generate/files.ts'

const root = resolve(import.meta.dirname, '..')

const usage = `Usage: npm run generate [-- --check]
Writes the files that are made from the schemas of the AuthService and of the auth server. With --check it writes nothing, and fails when one is stale.`

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { check: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } })
  if (values.help) {
    console.log(usage)
    return 0
  }
  const files = Object.entries(await generatedFiles())
  const stale = await Promise.all(files.map(async ([path, content]) => ((await read(path)) === content ? [] : [path])))
  const paths = stale.flat()
  if (values.check) return reportStale(paths)

  for (const [path, content] of files.filter(([path]) => paths.includes(path))) await write(path, content)
  console.log(paths.length === 0 ? 'Everything is up to date.' : `Wrote ${paths.join(', ')}.`)
  return 0
}

function reportStale(paths: readonly string[]): number {
  if (paths.length === 0) return 0
  console.error(`Stale: ${paths.join(', ')}. Run npm run generate and commit the result.`)
  return 1
}

async function read(path: string): Promise<string | undefined> {
  try {
    return await readFile(join(root, path), 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

async function write(path: string, content: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true })
  await writeFile(join(root, path), content)
}

process.exitCode = await main()
