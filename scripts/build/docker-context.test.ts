import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')

/** Workspaces whose code a workspace needs at run time; a bundle does not contain types. */
async function importedWorkspaces(workspace: string): Promise<string[]> {
  const files = await readdir(join(root, workspace), { recursive: true })
  const sources = files.filter((file) => /\.ts$/.test(file) && !/node_modules|\.test\.ts$|^dist/.test(file))
  const texts = await Promise.all(sources.map((file) => readFile(join(root, workspace, file), 'utf8')))
  const names = texts.flatMap((text) =>
    [...text.matchAll(/^import (?!type )[^;]*? from '@authservice-operator\/([\w-]+)\//gm)].map(
      ([, name = '']) => name,
    ),
  )
  return [...new Set([workspace, ...names])]
}

test.each([
  ['operator', 'Dockerfile.operator'],
  ['api-server', 'Dockerfile.api'],
])('the image of %s is built with every workspace that its code imports', async (workspace, file) => {
  const dockerfile = await readFile(join(root, file), 'utf8')
  for (const name of await importedWorkspaces(workspace)) {
    expect(dockerfile, `${file} copies ${name}`).toContain(`COPY ${name}/ ${name}/\n`)
  }
})
