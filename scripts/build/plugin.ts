import { chmod, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'

/** The name by which kubectl finds the plug-in on PATH. */
const fileName = 'kubectl-authservice'

/** Bundles the plug-in as one file that runs with Node 24. @returns its path */
export async function buildPlugin(directory: string): Promise<string> {
  const outfile = join(directory, fileName)
  await build({
    entryPoints: [resolve(import.meta.dirname, '../../cli/main.ts')],
    outfile,
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node24',
    legalComments: 'inline',
    logLevel: 'warning',
  })
  await chmod(outfile, 0o755)
  // In this checkout, a file without an extension is an ES module; elsewhere, this file decides.
  await writeFile(join(directory, 'package.json'), '{ "type": "commonjs" }\n')
  return outfile
}
