import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

/** What scanners of images and people need to know about a package. */
interface Manifest {
  name?: string
  version?: string
  license?: unknown
}

/**
 * Copies name, version and license of every npm package that a bundle contains. A bundle has no package.json of its
 * packages, so an SBOM or a scan of the image would miss them. The folder is not on Node's search path.
 *
 * @param inputs source files of the bundle, relative to `workspace`, as in esbuild's metafile
 * @param destination gets `node_modules/<package>/`
 */
export async function copyBundledPackages(
  inputs: readonly string[],
  workspace: string,
  destination: string,
): Promise<void> {
  for (const directory of packagesOf(inputs)) {
    const from = resolve(workspace, directory)
    const { name, version, license }: Manifest = JSON.parse(await readFile(join(from, 'package.json'), 'utf8'))
    if (name === undefined || version === undefined) throw new Error(`${from}/package.json has no name or version`)
    const to = join(destination, directory.slice(directory.indexOf('node_modules/')))
    await mkdir(to, { recursive: true })
    await writeFile(join(to, 'package.json'), `${JSON.stringify({ name, version, license })}\n`)
    for (const file of await readdir(from)) {
      if (/^(licen[cs]e|notice|copying)([.-].*)?$/i.test(file))
        await cp(join(from, file), join(to, file), { recursive: true })
    }
  }
}

/** The folders of the packages that contain the files: `../node_modules/a/node_modules/@b/c`. */
export function packagesOf(inputs: readonly string[]): string[] {
  const found = inputs.flatMap((input) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? [])
  return [...new Set(found)].sort()
}
