import type { SecretData } from '../../model/secret-data.ts'
import { secretNames } from '../../secrets/names.ts'
import { generationOf } from '../../secrets/password-rotation.ts'

/** Server pods read their passwords at startup, so other passwords need new pods. */
export const passwordGenerationAnnotation = 'auth-operator.dev/passwords-by'

/** The rotations that led to the current passwords; undefined: the passwords are the initial ones. */
export function passwordGeneration(authService: string, secrets: ReadonlyMap<string, SecretData>): string | undefined {
  const { redis, mongodb } = secretNames(authService)
  const generations = [redis, mongodb].flatMap((name) => generationOf(secrets.get(name)) ?? [])
  return generations.length === 0 ? undefined : [...new Set(generations)].join(',')
}
