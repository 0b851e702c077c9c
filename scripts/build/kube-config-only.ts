import type { Plugin } from 'esbuild'

const again = 'again'

/**
 * Bundles only the part of @kubernetes/client-node that reads a kubeconfig and authenticates. Its classes for every
 * kind of the API are omitted, because the package does not declare that they have no side effects, and so is undici,
 * with which it would send its own requests: together they take 16 MB of the operator, which uses neither.
 */
export const kubeConfigOnly: Plugin = {
  name: 'kube-config-only',
  setup({ onResolve, onLoad, resolve }) {
    onResolve({ filter: /^@kubernetes\/client-node$/ }, ({ path, ...from }) => resolve(`${path}/dist/config.js`, from))
    onResolve({ filter: /^\.\/(models\/all|types\/ObjectParamAPI)\.js$/ }, async ({ path, pluginData, ...from }) => {
      if (!isClient(from.importer) || pluginData === again) return undefined
      return { ...(await resolve(path, { ...from, pluginData: again })), sideEffects: false }
    })
    onResolve({ filter: /^undici$/ }, ({ importer }) =>
      isClient(importer) ? { path: 'undici', namespace: 'left-out' } : undefined,
    )
    onLoad({ filter: /^undici$/, namespace: 'left-out' }, () => ({ contents: undiciLeftOut }))
  },
}

function isClient(importer: string): boolean {
  return importer.includes('/@kubernetes/client-node/')
}

/**
 * The remaining part creates agents of undici only for requests of the client itself; only the omitted part uses
 * `fetch`.
 */
const undiciLeftOut = `
export class Agent { constructor() { throw new Error('undici is not in this bundle') } }
export { Agent as ProxyAgent, Agent as fetch }`
