import type { Import } from './read-imports.ts'

/** Files that match `from` must not import files that match `to`, not even types. Tests may import what they need. */
interface Rule {
  name: string
  from: RegExp
  to: RegExp
  /** Exceptions that may be imported. */
  except?: RegExp
}

/**
 * The folders of `operator/authservice/`, from top to bottom: each imports only from itself and from those after it.
 */
export const rooms: readonly string[] = [
  'reconcile.ts',
  'status',
  'gather',
  'validate',
  'apply',
  'rollout',
  'resources',
  'secrets',
  'model',
  'api',
]

/** The folders outside of production code, in the same order. */
export const layers = ['test', 'bench', 'scripts', 'tools'] as const
/** Production code. It imports nothing from the folders outside of it. */
export const production = ['cli', 'operator', 'api-server', 'contract'] as const

const room = (...names: string[]) =>
  `operator/authservice/(${names.map((name) => name.replace('.', '[.]')).join('|')})(/|$)`

const rules: readonly Rule[] = [
  ...rooms.slice(1).map((name, index) => ({
    name: `a room imports from itself and from rooms below it: ${rooms.join(' > ')}`,
    from: new RegExp(`^${room(name)}`),
    to: new RegExp(`^${room(...rooms.slice(0, index + 1))}`),
  })),
  {
    name: 'operator/authservice/ knows nothing of AuthClients',
    from: /^operator\/authservice\//,
    to: /^operator\/auth-client\//,
  },
  {
    name: 'decisions about AuthClients import no client of Kubernetes, no clock, no metrics and no I/O',
    from: /^operator\/auth-client\/(api\/|admission|client-entry|client-status|credentials|decide|logout-receiver|publications|reasons)/,
    to: /^(@kubernetes\/|operator\/kube\/|prom-client$|contract\/process-metrics|node:(timers|fs|http|https|child_process)\b)/,
    except: /^operator\/kube\/objects\.ts$/,
  },
  {
    name: 'operator/kube/ knows nothing of the rest of the operator',
    from: /^operator\/kube\//,
    to: /^operator\/(?!kube\/)/,
  },
  {
    name: 'rollout/decide/ imports nothing from outside but colours and timestamps',
    from: /^operator\/authservice\/rollout\/decide\//,
    to: /^(?!operator\/authservice\/rollout\/decide\/)/,
    except: /^operator\/authservice\/model\/(colors|timestamp)\.ts$/,
  },
  {
    name: 'rollout/, resources/, secrets/, model/ and api/ import no client of Kubernetes, no clock, no metrics and no I/O',
    from: new RegExp(`^${room('rollout', 'resources', 'secrets', 'model', 'api')}`),
    to: /^(@kubernetes\/|operator\/kube\/|prom-client$|contract\/process-metrics|node:(timers|fs|http|https|child_process)\b)/,
    // Types, and names of objects: no client.
    except: /^operator\/kube\/(objects|optional-kinds)\.ts$/,
  },
  {
    name: 'contract/ imports neither the operator nor the server',
    from: /^contract\//,
    to: /^(operator|api-server|cli)\//,
  },
  { name: 'the operator and the CLI do not import the server', from: /^(operator|cli)\//, to: /^api-server\// },
  { name: 'the server does not import the operator', from: /^api-server\//, to: /^(operator|cli)\// },
  { name: 'the operator does not import the CLI', from: /^operator\//, to: /^cli\// },
  {
    name: 'config/ imports nothing of the rest of the server',
    from: /^api-server\/config\//,
    to: /^api-server\/(?!config\/)/,
  },
  {
    name: 'plugins/external/ imports no plugin of the application',
    from: /^api-server\/plugins\/external\//,
    to: /^api-server\/(plugins\/app|routes)\//,
  },
  { name: 'routes import no database driver', from: /^api-server\/routes\//, to: /^(mongodb|ioredis)$/ },
  {
    name: `production code imports nothing from ${layers.join('/, ')}/`,
    from: new RegExp(`^(${production.join('|')})/`),
    to: new RegExp(`^(${layers.join('|')})/`),
  },
  ...layers.slice(1).map((name, index) => ({
    name: `folders beside production code import downwards: ${layers.join(' > ')}`,
    from: new RegExp(`^${name}/`),
    to: new RegExp(`^(${layers.slice(0, index + 1).join('|')})/`),
  })),
]

const isTest = /\.test\.ts$/

/** The violations of the rules: `file imports imported: rule`. */
export function violations(imports: readonly Import[]): string[] {
  return rules.flatMap(({ name, from, to, except }) =>
    imports
      .filter(
        ({ file, imported }) => from.test(file) && !isTest.test(file) && to.test(imported) && !except?.test(imported),
      )
      .map(({ file, imported }) => `${file} imports ${imported}: ${name}`),
  )
}

/** Import cycles between files of production code, including those of types alone. */
export function fileCycles(imports: readonly Import[]): string[] {
  const ofProduction = new RegExp(`^(${production.join('|')})/`)
  const between = imports.filter(({ file, imported }) => ofProduction.test(file) && ofProduction.test(imported))
  return circular(between.map(({ file, imported }) => ({ file, imported, from: file, to: imported })))
}

/**
 * Import cycles by value between two folders with the same parent, including everything below them. Files directly in
 * the parent belong to neither.
 */
export function folderCycles(imports: readonly Import[]): string[] {
  return circular(
    imports
      .filter(({ file, imported, isType }) => !isType && !isTest.test(file) && imported.endsWith('.ts'))
      .flatMap(({ file, imported }) => {
        const [ours, theirs] = [file.split('/').slice(0, -1), imported.split('/').slice(0, -1)]
        const fork = ours.findIndex((name, depth) => name !== theirs[depth])
        if (fork === -1 || theirs[fork] === undefined) return []
        return [{ file, imported, from: ours.slice(0, fork + 1).join('/'), to: theirs.slice(0, fork + 1).join('/') }]
      }),
  )
}

interface Edge {
  file: string
  imported: string
  from: string
  to: string
}

/** Repeatedly removes nodes without incoming or outgoing edges: only cycles remain. */
function circular(edges: readonly Edge[]): string[] {
  const sources = new Set(edges.map(({ from }) => from))
  const targets = new Set(edges.map(({ to }) => to))
  const left = edges.filter(({ from, to }) => targets.has(from) && sources.has(to))
  if (left.length < edges.length) return circular(left)
  return left.map(
    ({ file, imported, from, to }) => `${file} imports ${imported}: part of an import cycle, from ${from} to ${to}`,
  )
}
