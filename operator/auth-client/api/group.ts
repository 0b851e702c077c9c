import { group, version } from '../../authservice/api/group.ts'
import type { Resource } from '../../kube/objects.ts'

/** Names of the resource in the Kubernetes API. */
export const kind = 'AuthClient'
export const plural = 'authclients'
export const singular = 'authclient'
export const shortName = 'authcl'
export const apiVersion = `${group}/${version}` as const

export const authClients: Resource = { apiVersion, kind, plural, namespaced: true }

/** With the namespace and a dot, the ID of the client has at most 127 characters, and the server accepts 128. */
export const maxNameLength = 63
