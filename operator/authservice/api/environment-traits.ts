import type { Environment } from './spec.ts'

/** Properties of an environment that are not fields of a spec. */
export interface EnvironmentTraits {
  /** Whether `/docs` is served. */
  docs: boolean
  /** Whether the operator signs a certificate for the edge if the spec names none. */
  selfSignedCertificate: boolean
  /** Whether browsers are told to use only HTTPS (RFC 6797). */
  hsts: boolean
  /** Whether PodDisruptionBudgets are created. */
  disruptionBudgets: boolean
  /** Whether server and edge pods spread over nodes and zones. */
  spread: boolean
}

/** Properties of an environment that are not fields of a spec. */
export function traitsOf(environment: Environment): EnvironmentTraits {
  const deployed = environment !== 'development'
  return {
    docs: environment !== 'production',
    selfSignedCertificate: !deployed,
    hsts: environment === 'production',
    disruptionBudgets: deployed,
    spread: deployed,
  }
}
