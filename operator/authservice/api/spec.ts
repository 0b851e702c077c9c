import Type, { type Static } from 'typebox'
import { flag, integer, type Rule } from './fields.ts'
import { environment, hasPlainTextRedis, isAutoscaled, isProduction, strategy, wasAutoscaled } from './rules.ts'
import {
  CookiesSchema,
  InitialAdminSchema,
  LogsSchema,
  OAuthSchema,
  RegistrationSchema,
  SecurityEventsSchema,
  TracingSchema,
} from './spec/accounts.ts'
import { MongoDbSchema, RedisSchema } from './spec/databases.ts'
import { IdentityProvidersSchema, identityProviderRules } from './spec/identity-providers.ts'
import { IngressSchema } from './spec/ingress.ts'
import { MailSchema } from './spec/mail.ts'
import { MfaSchema } from './spec/mfa.ts'
import { OidcSchema, oidcRules } from './spec/oidc.ts'
import { BackupSchema, MonitoringSchema, NetworkPolicySchema } from './spec/operations.ts'
import { PagesSchema, pagesRules } from './spec/pages.ts'
import { passkeyRules } from './spec/passkeys.ts'
import { RolloutSchema } from './spec/rollout.ts'
import { CorsSchema, LockoutSchema, PasswordsSchema, RateLimitsSchema } from './spec/security.ts'
import { TokensSchema } from './spec/tokens.ts'
import { AutoscalingSchema, ImagePullSecretsSchema, JobsSchema, PodSchema, resourcesSchema } from './spec/workload.ts'

/** The environments, least strict first. */
export const environments = ['development', 'staging', 'production'] as const
export type Environment = (typeof environments)[number]

/** Rules that involve several parts of a spec. */
const rules: Rule[] = [
  {
    rule: 'has(self.environment) || (oldSelf.hasValue() && !has(oldSelf.value().environment))',
    message:
      'environment is required: write development, staging or production. It sets the defaults of all other fields',
    fieldPath: '.environment',
    optionalOldSelf: true,
    reason: 'FieldValueRequired',
  },
  {
    rule: `!has(self.replicas) || !(${isAutoscaled})`,
    message:
      'the autoscaler sets replicas: remove it and write autoscaling.minReplicas, or write autoscaling.enabled: false',
    fieldPath: '.replicas',
  },
  {
    rule: `!(${wasAutoscaled}) || ${isAutoscaled} || has(self.replicas)`,
    message:
      'replicas is required without an autoscaler: to keep the current number of pods, write the number that kubectl get authsvc shows',
    fieldPath: '.replicas',
  },
  {
    rule: `!has(self.rollout) || !has(self.rollout.blueGreen) || (${strategy}) == 'BlueGreen'`,
    message:
      'rollout.blueGreen applies only to the strategy BlueGreen: write rollout.strategy: BlueGreen, or remove rollout.blueGreen',
    fieldPath: '.rollout',
  },
  {
    rule: `!has(self.rollout) || !has(self.rollout.blueGreen) || !has(self.rollout.blueGreen.previewHost) || (self.?ingress.?type.orValue('Nginx') != 'None' && self.?ingress.?host.orValue('') != self.rollout.blueGreen.previewHost)`,
    message:
      'rollout.blueGreen.previewHost needs an ingress.type other than None, and must differ from ingress.host: correct them, or remove previewHost',
    fieldPath: '.rollout',
  },
  {
    rule: `!(${isProduction}) || self.?tokens.?issuer.orValue('').startsWith('https://')`,
    message:
      'production requires an HTTPS issuer: write tokens.issuer: https://… with the address that clients use (see also environment)',
    fieldPath: '.tokens',
  },
  {
    rule: `!(${isProduction}) || !has(self.cors) || !has(self.cors.origins) || self.cors.origins.all(origin, origin.startsWith('https://'))`,
    message: 'production allows only HTTPS origins: write each of cors.origins as https://…, without *',
    fieldPath: '.cors',
  },
  {
    rule: `!(${hasPlainTextRedis('self')}) || self.redis.external.?allowInsecure.orValue(false) || (oldSelf.hasValue() && ${hasPlainTextRedis('oldSelf.value()')})`,
    message:
      'production requires an encrypted connection to Redis: write redis.external.tls.enabled: true, or redis.external.allowInsecure: true if the network itself is encrypted',
    fieldPath: '.redis',
    optionalOldSelf: true,
  },
  {
    rule: `!(${isProduction}) || !has(self.mail) || self.mail.smtp.?encryption.orValue('StartTLS') != 'None'`,
    message: 'production requires encrypted mail: write mail.smtp.encryption: StartTLS or TLS',
    fieldPath: '.mail',
  },
  {
    rule: `!(${isProduction}) || !has(self.mail) || (self.mail.?passwordResetURL.orValue('https://').startsWith('https://') && self.mail.?emailVerificationURL.orValue('https://').startsWith('https://'))`,
    message:
      'production requires HTTPS links in mails: write mail.passwordResetURL and mail.emailVerificationURL as https://…',
    fieldPath: '.mail',
  },
  {
    rule: '!has(self.mail) || self.?oidc.?enabled.orValue(false) || (has(self.mail.passwordResetURL) && has(self.mail.emailVerificationURL))',
    message:
      'links in mails need pages: write mail.passwordResetURL and mail.emailVerificationURL, or oidc.enabled: true for pages of the server',
    fieldPath: '.mail',
  },
  {
    // Does not use `orValue([])`, because the cost estimate would lose the maximum length of the list.
    rule: "!self.?cookies.?enabled.orValue(false) || !has(self.cors) || !has(self.cors.origins) || !('*' in self.cors.origins)",
    message: 'cookies require named origins: write the origins of your pages in cors.origins, without *',
    fieldPath: '.cors',
  },
  {
    rule: `self.?registration.?disclosure.orValue('Open') == 'Open' || has(self.mail) || ${environment} == 'development'`,
    message: 'hidden registration sends mail: write mail, or registration.disclosure: Open',
    fieldPath: '.registration',
  },
  {
    rule: '!(has(self.version) && has(self.image))',
    message: 'version and image are mutually exclusive: keep version for a release, or image for a full reference',
    fieldPath: '.version',
  },
  ...passkeyRules,
  ...oidcRules,
  ...pagesRules,
  ...identityProviderRules,
]

export const AuthServiceSpecSchema = Type.Object(
  {
    environment: Type.Optional(
      Type.Enum([...environments], {
        description:
          'Preset that sets the defaults of all other fields. Required. An AuthService that was stored without it keeps the development preset.',
        defaultText: 'none; required',
      }),
    ),
    version: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 128,
        pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]*$',
        description: 'Version of the auth server: a tag of the server image of the operator.',
        defaultText: "the operator's own version",
      }),
    ),
    image: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 512,
        pattern: '^[A-Za-z0-9][A-Za-z0-9._:/@-]*$',
        description: 'Full reference of the auth server image, preferably with a digest. Use it instead of `version`.',
        defaultText: 'the server image of the operator, with the tag `version`',
      }),
    ),
    imagePullSecrets: Type.Optional(ImagePullSecretsSchema),
    replicas: Type.Optional(
      integer(0, 1000, { description: 'Number of server pods if `autoscaling.enabled` is false.' }),
    ),
    autoscaling: Type.Optional(AutoscalingSchema),
    rollout: Type.Optional(RolloutSchema),
    mongodb: MongoDbSchema,
    redis: RedisSchema,
    tokens: Type.Optional(TokensSchema),
    passwords: Type.Optional(PasswordsSchema),
    mfa: Type.Optional(MfaSchema),
    oidc: Type.Optional(OidcSchema),
    pages: Type.Optional(PagesSchema),
    identityProviders: Type.Optional(IdentityProvidersSchema),
    mail: Type.Optional(MailSchema),
    registration: Type.Optional(RegistrationSchema),
    initialAdmin: Type.Optional(InitialAdminSchema),
    oauth: Type.Optional(OAuthSchema),
    cookies: Type.Optional(CookiesSchema),
    rateLimits: Type.Optional(RateLimitsSchema),
    lockout: Type.Optional(LockoutSchema),
    cors: Type.Optional(CorsSchema),
    ingress: Type.Optional(IngressSchema),
    resources: Type.Optional(resourcesSchema({ description: 'Resources of a server pod.' })),
    jobs: Type.Optional(JobsSchema),
    pod: Type.Optional(PodSchema),
    monitoring: Type.Optional(MonitoringSchema),
    logs: Type.Optional(LogsSchema),
    securityEvents: Type.Optional(SecurityEventsSchema),
    tracing: Type.Optional(TracingSchema),
    networkPolicy: Type.Optional(NetworkPolicySchema),
    backup: Type.Optional(BackupSchema),
    suspend: Type.Optional(
      flag({
        description: 'Whether the operator only observes and reports, and changes nothing.',
        defaultText: '`false`',
      }),
    ),
  },
  { description: 'Desired state of the AuthService.', rules },
)

/** A spec as the user wrote it, without defaults. `resolveSpec` fills them in. */
export type AuthServiceSpec = Static<typeof AuthServiceSpecSchema>
