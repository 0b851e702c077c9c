import Type, { type Static } from 'typebox'
import { apiVersion, kind, maxNameLength } from './group.ts'
import { AuthServiceSpecSchema } from './spec.ts'
import { AuthServiceStatusSchema } from './status.ts'

export { type AuthServiceSpec, type Environment, environments } from './spec.ts'
export type { AuthServiceStatus, ChecklistItem, Condition, SecretStatus } from './status.ts'

/**
 * The one source of the API. TypeScript types, the CustomResourceDefinition (`crd.ts`) and docs/reference.md come
 * from it.
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
    description: 'A whole authentication server: pods, autoscaling, edge, Redis, MongoDB and keys from one resource.',
    rules: [
      {
        rule: `size(self.metadata.name) <= ${maxNameLength}`,
        message: `an AuthService's name has at most ${maxNameLength} characters, so that every child's name fits: choose a shorter one`,
      },
      {
        rule: "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
        message:
          "an AuthService's name becomes the name of Services: start with a letter, then lower-case letters, digits and -, no dots",
      },
    ],
  },
)

/** An AuthService as the API server returns it. */
export type AuthService = Static<typeof AuthServiceSchema>
