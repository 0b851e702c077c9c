import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import { expect, test } from 'vitest'
import { keepClassNames } from './keep-class-names.ts'
import { bundleOptions } from './program.ts'

test('the library of the OpenID provider finds its models by their names in a bundle, too', {
  timeout: 60_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'authservice-bundle-'))
  try {
    const outfile = join(folder, 'bundle.mjs')
    const resolveDir = resolve(import.meta.dirname, '../../api-server')
    await build({
      ...bundleOptions,
      plugins: [keepClassNames],
      outfile,
      stdin: { contents: "export * from 'oidc-provider'", resolveDir },
    })
    const { Provider } = await import(outfile)
    const provider = new Provider('https://auth.example.com', { features: { devInteractions: { enabled: false } } })
    for (const name of ['AuthorizationCode', 'AccessToken', 'RefreshToken', 'Session', 'Interaction', 'Grant']) {
      expect(provider[name].name).toBe(name)
    }
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('functions that a request creates get no name at run time', async () => {
  const contents = 'export const answer = (request) => { const isOpen = () => request.open; return [isOpen, isOpen()] }'
  const { outputFiles } = await build({
    ...bundleOptions,
    plugins: [keepClassNames],
    write: false,
    stdin: { contents },
  })
  expect(outputFiles[0]?.text).not.toContain('defineProperty')
})
