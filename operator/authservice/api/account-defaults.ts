import type { Preset } from './presets.ts'
import type { ResolvedMail } from './resolved-spec.ts'
import type { AuthServiceSpec } from './spec.ts'
import { parseDuration } from './units.ts'

/** @returns undefined where the spec asks for no mails */
export function resolveMail(mail: AuthServiceSpec['mail'], preset: Preset['mail']): ResolvedMail | undefined {
  if (mail === undefined) return undefined
  const { host, port, encryption = 'StartTLS', credentialsSecretRef: credentials, caSecretRef } = mail.smtp
  const key = (name: string) => credentials && { name: credentials.name, key: name }
  return {
    smtp: {
      host,
      port: port ?? (encryption === 'TLS' ? 465 : 587),
      encryption,
      userSecretRef: key(credentials?.usernameKey ?? 'username'),
      passwordSecretRef: key(credentials?.passwordKey ?? 'password'),
      caSecretRef,
    },
    from: mail.from,
    passwordResetURL: mail.passwordResetURL,
    emailVerificationURL: mail.emailVerificationURL,
    passwordResetLifetimeSeconds: parseDuration(mail.passwordResetLifetime ?? preset.passwordResetLifetime),
    emailVerificationLifetimeSeconds: parseDuration(mail.emailVerificationLifetime ?? preset.emailVerificationLifetime),
  }
}
