import type { ServerEnvironment } from '@authservice-operator/contract/environment.ts'
import { group } from '../../api/group.ts'
import type { PodTemplate } from '../../model/revision.ts'
import type { Snapshot } from '../../model/snapshot.ts'

/** Names a revision that may return although its servers let users with a second factor in by their password alone. */
const passwordOnlyAnnotation = `${group}/allow-password-only`

/** Names a revision that may return although its servers do not accept the passkeys of users. */
const withoutPasskeysAnnotation = `${group}/allow-without-passkeys`

/** Names a revision that may return although users could not log in to applications. */
const withoutOidcAnnotation = `${group}/allow-without-openid-connect`

/** Names a revision that may return although it accepts passwords that a provider of the spec forbids. */
const passwordLoginAnnotation = `${group}/allow-password-login`

/** The part of the pod template of a server that has its variables. */
interface ServerPod {
  containers?: readonly { name: string; env?: readonly { name: string; value?: string }[] }[]
}

/** A revision that a user asks to return to. */
interface RequestedRollback {
  /** As the user named it: by number or hash. */
  named: string
  /** Its hash. */
  revision: string
  /** undefined: it is not stored, so it cannot return anyway. */
  template: PodTemplate | undefined
}

type Observed = Pick<Snapshot, 'authService' | 'resolved' | 'serverReports' | 'oidcClients'>

/** Why a revision should not return, and the annotation that allows it. */
interface Refusal {
  reason: string
  annotation: string
}

/**
 * Why a requested rollback is refused: users have second factors, and the servers of the revision ask for none, so whoever
 * knows a password could log in. Or they do not accept the passkeys of users, accept passwords that an identity provider
 * forbids, or are no OpenID provider although applications use one.
 *
 * @param isAllowed whether a value of the annotation names the revision
 * @returns undefined if it is not refused
 */
export function rollbackRefusal(
  observed: Observed,
  { named, revision, template }: RequestedRollback,
  isAllowed: (value: string) => boolean,
): string | undefined {
  if (template === undefined) return undefined
  const { annotations } = observed.authService.metadata
  const refusals = [
    factorRefusalOf(observed, template),
    passwordRefusalOf(observed, template),
    providerRefusalOf(observed, template),
  ]
  const refusal = refusals.find((one) => {
    const allowed = one && annotations?.[one.annotation]
    return one !== undefined && !(allowed !== undefined && isAllowed(allowed))
  })
  if (refusal === undefined) return undefined
  return (
    `Refused: revision ${revision} ${refusal.reason} ` +
    `To return to it anyway, annotate with ${refusal.annotation}=${named}, and request the rollback again.`
  )
}

function factorRefusalOf({ resolved, serverReports }: Observed, template: PodTemplate): Refusal | undefined {
  const reports = [...serverReports.values()]
  // A server without the variable, or an earlier version, has no second factors.
  if ([undefined, 'off'].includes(variableOf(template, 'MFA_MODE'))) {
    if (!reports.some(({ usersHaveSecondFactors }) => usersHaveSecondFactors === true)) return undefined
    return {
      reason: 'has no second factors, and users have enrolled some. They would log in with their password alone.',
      annotation: passwordOnlyAnnotation,
    }
  }
  const passkeys = resolved.mfa.passkeys
  const missing = passkeys && missingPasskeys(passkeys, template)
  if (missing === undefined || !reports.some(({ usersHavePasskeys }) => usersHavePasskeys === true)) return undefined
  return {
    reason: `has no passkeys ${missing}, and users have added some. They could log in with their other factors only.`,
    annotation: withoutPasskeysAnnotation,
  }
}

/** Servers that read no file of identity providers know none, and none of the domains whose users have no password. */
function passwordRefusalOf({ resolved }: Observed, template: PodTemplate): Refusal | undefined {
  if (variableOf(template, 'IDENTITY_PROVIDERS_FILE') !== undefined) return undefined
  const strict = resolved.identityProviders.filter(({ entry }) => entry.passwordLogin === false)
  if (strict.length === 0) return undefined
  const names = strict.map(({ entry }) => entry.id).join(', ')
  return {
    reason: `knows no identity providers, and the spec has passwordLogin: false for ${names}. Users of their domains could log in with a password, also those who have left.`,
    annotation: passwordLoginAnnotation,
  }
}

/** An earlier version would also accept the access tokens of applications for changes of the account. */
function providerRefusalOf({ oidcClients }: Observed, template: PodTemplate): Refusal | undefined {
  if (oidcClients === undefined || oidcClients.count === 0) return undefined
  if (variableOf(template, 'OIDC_CLIENTS_FILE') !== undefined) return undefined
  return {
    reason: `is no OpenID provider, and ${oidcClients.count === 1 ? 'one AuthClient uses' : `${oidcClients.count} AuthClients use`} it. Users could not log in to these applications.`,
    annotation: withoutOidcAnnotation,
  }
}

/** Which passkeys of the spec the servers of the revision do not accept: those of its domain, or on some of its pages. */
function missingPasskeys(
  { rpID, origins }: { rpID: string; origins: readonly string[] },
  template: PodTemplate,
): string | undefined {
  if (variableOf(template, 'WEBAUTHN_RP_ID') !== rpID) return `of ${rpID}`
  const accepted = variableOf(template, 'WEBAUTHN_ORIGINS')?.split(',') ?? []
  const refused = origins.filter((origin) => !accepted.includes(origin))
  return refused.length === 0 ? undefined : `at ${refused.join(', ')}`
}

function variableOf(template: PodTemplate, variable: keyof ServerEnvironment): string | undefined {
  // `serverTemplate` created every template of a revision.
  const { containers = [] } = template.spec as ServerPod
  const env = containers.find(({ name }) => name === 'server')?.env ?? []
  return env.find(({ name }) => name === variable)?.value
}
