import type { SeenRequest } from '../support/api-proxy.ts'

/** A rule of a Role or a ClusterRole. */
export interface Rule {
  apiGroups?: string[]
  resources?: string[]
  verbs: string[]
}

/** `group/resource verb` of everything that the rules allow. */
export function allowed(rules: readonly Rule[]): Set<string> {
  return new Set(
    rules.flatMap(({ apiGroups = [], resources = [], verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => verbs.map((verb) => `${group}/${resource} ${verb}`)),
      ),
    ),
  )
}

/**
 * `group/resource verb` of everything that requests need. Discovery is available to every account and needs no
 * permission.
 */
export function usedBy(requests: readonly SeenRequest[]): Set<string> {
  return new Set(requests.flatMap(rightsFor))
}

const paths = [
  /^\/api\/(?<version>v1)(?:\/namespaces\/[^/]+)?\/(?<resource>[a-z]+)(?:\/(?<name>[^/?]+))?(?:\/(?<sub>[a-z]+))?(?:\?|$)/,
  /^\/apis\/(?<group>[^/]+)\/(?<version>[^/]+)(?:\/namespaces\/[^/]+)?\/(?<resource>[a-z]+)(?:\/(?<name>[^/?]+))?(?:\/(?<sub>[a-z]+))?(?:\?|$)/,
]

function rightsFor({ method, path }: SeenRequest): string[] {
  const found = paths.map((pattern) => pattern.exec(path)?.groups).find((groups) => groups !== undefined)
  if (found === undefined) return []
  const { group = '', resource, name, sub } = found
  const target = `${group}/${resource}${sub === undefined ? '' : `/${sub}`}`
  switch (method) {
    case 'GET':
      if (name !== undefined) return [`${target} get`]
      return [path.includes('watch=true') ? `${target} watch` : `${target} list`]
    case 'POST':
      return [`${target} create`]
    case 'PUT':
      return [`${target} update`]
    case 'DELETE':
      return [`${target} delete`]
    // Server-side apply of an object that does not exist is also authorized as a creation.
    case 'PATCH':
      return path.includes('force=true') && sub === undefined
        ? [`${target} patch`, `${target} create`]
        : [`${target} patch`]
    default:
      throw new Error(`${method} ${path}: the permission for it is unknown`)
  }
}
