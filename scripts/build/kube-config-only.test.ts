import { resolve } from 'node:path'
import { build } from 'esbuild'
import { expect, test } from 'vitest'
import { kubeConfigOnly } from './kube-config-only.ts'

const program = `
import { KubeConfig } from '@kubernetes/client-node'
const config = new KubeConfig()
config.loadFromClusterAndUser({ name: 'c', server: 'https://127.0.0.1:6443' }, { name: 'u', token: 'secret' })
const options = {}
await config.applyToHTTPSOptions(options)
export const { agent, headers } = options
`

test('a bundle reads a kubeconfig and authenticates, and contains no code for requests', async () => {
  const { outputFiles, metafile } = await build({
    stdin: { contents: program, resolveDir: resolve(import.meta.dirname, '../../operator') },
    plugins: [kubeConfigOnly],
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'error',
    banner: {
      js: `import { createRequire } from 'node:module'; const require = createRequire('${import.meta.filename}')`,
    },
  })
  const contents = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs))
  const isThere = ([file, { bytesInOutput }]: (typeof contents)[number]) =>
    bytesInOutput > 0 && /\/undici\/|client-node\/dist\/gen\/(models|apis)\//.test(file)
  expect(contents.filter(isThere).map(([file]) => file)).toEqual([])

  const code = outputFiles[0]?.text ?? ''
  const { agent, headers } = await import(`data:text/javascript;base64,${Buffer.from(code).toString('base64')}`)
  expect(headers).toEqual({ Authorization: 'Bearer secret' })
  expect(agent).toBeDefined()
})
