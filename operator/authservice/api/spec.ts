import Type, { type Static } from 'typebox'
import { flag, integer } from './fields.ts'
import { environment, isAutoscaled, isProduction, strategy, wasAutoscaled } from './rules.ts'
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
import { IngressSchema } from './spec/ingress.ts'
import { MailSchema } from './spec/mail.ts'
import { BackupSchema, MonitoringSchema, NetworkPolicySchema } from './spec/operations.ts'
import { RolloutSchema } from './spec/rollout.ts'
import { CorsSchema, LockoutSchema, PasswordsSchema, RateLimitsSchema, TokensSchema } from './spec/security.ts'
import { AutoscalingSchema, ImagePullSecretsSchema, PodSchema, resourcesSchema } from './spec/workload.ts'

/** The presets, mildest first. */
export const environments = ['development', 'staging', 'production'] as const
export type Environment = (typeof environments)[number]

/** What several parts of a spec have to agree on. */
const rules = [
  {
    rule: `!has(self.replicas) || !(${isAutoscaled})`,
    message:
      'replicas is the autoscaler’s to set: remove it and write autoscaling.minReplicas, or write autoscaling.enabled: false',
    fieldPath: '.replicas',
  },
  {
    rule: `!(${wasAutoscaled}) || ${isAutoscaled} || has(self.replicas)`,
    message:
      'without the autoscaler somebody has to say how many pods run: write replicas, with the count of now (kubectl get authsvc) if nothing is to change',
    fieldPath: '.replicas',
  },
  {
    rule: `!has(self.rollout) || !has(self.rollout.blueGreen) || (${strategy}) == 'BlueGreen'`,
    message: 'rollout.blueGreen has settings of another strategy: write rollout.strategy: BlueGreen, or remove them',
    fieldPath: '.rollout',
  },
  {
    rule: `!has(self.rollout) || !has(self.rollout.blueGreen) || !has(self.rollout.blueGreen.previewHost) || (self.?ingress.?type.orValue('Nginx') != 'None' && self.?ingress.?host.orValue('') != self.rollout.blueGreen.previewHost)`,
    message:
      'rollout.blueGreen.previewHost needs something in front and a name of its own: write another ingress.type than None and another name than ingress.host, or remove it',
    fieldPath: '.rollout',
  },
  {
    rule: `!(${isProduction}) || self.?tokens.?issuer.orValue('').startsWith('https://')`,
    message:
      'production needs an HTTPS issuer: write tokens.issuer: https://… with the address that clients use (see also environment)',
    fieldPath: '.tokens',
  },
  {
    rule: `!(${isProduction}) || !has(self.cors) || !has(self.cors.origins) || self.cors.origins.all(origin, origin.startsWith('https://'))`,
    message: 'production allows HTTPS origins only: write each of cors.origins as https://…, without *',
    fieldPath: '.cors',
  },
  {
    rule: `!(${isProduction}) || !has(self.mail) || self.mail.smtp.?encryption.orValue('StartTLS') != 'None'`,
    message: 'production sends no mail in plain text: write mail.smtp.encryption: StartTLS or TLS',
    fieldPath: '.mail',
  },
  {
    rule: `!(${isProduction}) || !has(self.mail) || (self.mail.passwordResetURL.startsWith('https://') && self.mail.emailVerificationURL.startsWith('https://'))`,
    message:
      'production sends links to HTTPS pages only: write mail.passwordResetURL and mail.emailVerificationURL as https://…',
    fieldPath: '.mail',
  },
  {
    // Not by `orValue([])`: how long the list may be would be lost to the estimate of costs.
    rule: "!self.?cookies.?enabled.orValue(false) || !has(self.cors) || !has(self.cors.origins) || !('*' in self.cors.origins)",
    message:
      'browsers send cookies to origins that are named: write the origins of your pages in cors.origins, without *',
    fieldPath: '.cors',
  },
  {
    rule: `self.?registration.?disclosure.orValue('Open') == 'Open' || has(self.mail) || ${environment} == 'development'`,
    message: 'hidden registration tells the owner of an email by mail: write mail, or registration.disclosure: Open',
    fieldPath: '.registration',
  },
  {
    rule: '!(has(self.version) && has(self.image))',
    message: 'version and image exclude each other: keep version for a release, image for a full reference',
    fieldPath: '.version',
  },
]

export const AuthServiceSpecSchema = Type.Object(
  {
    environment: Type.Optional(
      Type.Enum([...environments], {
        description: 'The preset behind every field that is left out.',
        defaultText: '`development`',
      }),
    ),
    version: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 128,
        pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]*$',
        description: "Version of the auth server: the tag of the operator's image of it.",
        defaultText: "the operator's own version",
      }),
    ),
    image: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 512,
        pattern: '^[A-Za-z0-9][A-Za-z0-9._:/@-]*$',
        description: 'Full reference of the auth server image, best with a digest, instead of `version`.',
        defaultText: "the operator's, with the tag `version`",
      }),
    ),
    imagePullSecrets: Type.Optional(ImagePullSecretsSchema),
    replicas: Type.Optional(integer(0, 1000, { description: 'Server pods, while `autoscaling.enabled` is false.' })),
    autoscaling: Type.Optional(AutoscalingSchema),
    rollout: Type.Optional(RolloutSchema),
    mongodb: MongoDbSchema,
    redis: RedisSchema,
    tokens: Type.Optional(TokensSchema),
    passwords: Type.Optional(PasswordsSchema),
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
    pod: Type.Optional(PodSchema),
    monitoring: Type.Optional(MonitoringSchema),
    logs: Type.Optional(LogsSchema),
    securityEvents: Type.Optional(SecurityEventsSchema),
    tracing: Type.Optional(TracingSchema),
    networkPolicy: Type.Optional(NetworkPolicySchema),
    backup: Type.Optional(BackupSchema),
    suspend: Type.Optional(flag({ description: 'Look and report, but change nothing.', defaultText: '`false`' })),
  },
  { description: 'What the AuthService is to be.', rules },
)

/** A spec as its writer left it: fields left out are left out. `resolveSpec` fills them in. */
export type AuthServiceSpec = Static<typeof AuthServiceSpecSchema>
