import Type, { type Static } from 'typebox'
import { apiVersion, kind, maxNameLength } from './group.ts'
import { AuthServiceSpecSchema } from './spec.ts'
import { AuthServiceStatusSchema } from './status.ts'

export type { AuthServiceSpec, Environment } from './spec.ts'
export type { AuthServiceStatus, ChecklistItem, Condition, SecretStatus } from './status.ts'

/**
 * The single source of the API. TypeScript types, the CustomResourceDefinition (`crd.ts`) and docs/reference.md are
 * derived from it.
 */
export const AuthServiceSchema = Type.Object(
  {
    apiVersion: Type.Literal(apiVersion),
    kind: Type.Literal(kind),
    metadata: Type.Object({
      name: Type.String(),
      namespace: Type.String(),
      uid: Type.String(),
      generation: Type.Integer(),
      resourceVersion: Type.Optional(Type.String()),
      creationTimestamp: Type.Optional(Type.String()),
      deletionTimestamp: Type.Optional(Type.String()),
      labels: Type.Optional(Type.Unsafe<Record<string, string>>({ type: 'object' })),
      annotations: Type.Optional(Type.Unsafe<Record<string, string>>({ type: 'object' })),
    }),
    spec: AuthServiceSpecSchema,
    status: Type.Optional(AuthServiceStatusSchema),
  },
  {
    description:
      'A complete authentication server: pods, autoscaling, edge, Redis, MongoDB and keys from one resource.',
    rules: [
      {
        rule: `size(self.metadata.name) <= ${maxNameLength}`,
        message: `the name of an AuthService must have at most ${maxNameLength} characters, because names of children are longer: choose a shorter name`,
      },
      {
        rule: "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
        message:
          'the name of an AuthService is also the name of Services: use lower-case letters, digits and -, begin with a letter, and use no dots',
      },
    ],
  },
)

/** An AuthService as the API server returns it. */
export type AuthService = Static<typeof AuthServiceSchema>
