/** Group, version and names of the resource in the Kubernetes API. */
export const group = 'auth-operator.dev'
export const version = 'v1alpha1'
export const kind = 'AuthService'
export const plural = 'authservices'
export const singular = 'authservice'
export const shortName = 'authsvc'
export const apiVersion = `${group}/${version}` as const

/**
 * Maximum length of the name of an AuthService. The longest child name adds 20 characters, and a label value has at
 * most 63.
 */
export const maxNameLength = 40
