import type { Plugin } from 'esbuild'

const again = 'again'

/**
 * Of @kubernetes/client-node what reads a kubeconfig and authenticates. Its classes for every kind of the API are left
 * out, of which it does not say that they have no side effects, and so is undici, by which it would send requests of its
 * own: loaded, they take 16 MB of the operator, which uses neither.
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

/** The part that stays makes agents of undici for the client's own requests alone; `fetch` is asked for by what goes. */
const undiciLeftOut = `
export class Agent { constructor() { throw new Error('undici is not in this bundle') } }
export { Agent as ProxyAgent, Agent as fetch }`
