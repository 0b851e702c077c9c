import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '@authservice-operator/api-server/config/config.ts'
import { afterAll, expect, test } from 'vitest'
import { outcomeOf, withField } from './effects.ts'
import { fieldExpectations, managed } from './expectations.ts'
import { migrationPlace, renderedEnvironment, serverPlace } from './rendered-environment.ts'

const folder = mkdtempSync(join(tmpdir(), 'authservice-environment-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** The content of the Secrets, by the volume that mounts them. The parser does not read the content of others. */
const contents: Readonly<Record<string, string>> = {
  url: 'mongodb+srv://auth:secret@cluster.example.com/auth',
  clients: `shop:${'0'.repeat(64)}`,
}

test.each(Object.entries(fieldExpectations))(
  'the server accepts the environment that %s renders',
  (field, expectation) => {
    const { value, base = managed } = expectation
    const { outcome, secrets } = outcomeOf(withField(base, field, value), new Map())
    const contentOf = (secret: string, key: string) =>
      secrets.get(secret)?.[key] ?? contents[secret.replace(/^other-/, '')] ?? contents[key] ?? contents['url']

    const places = [serverPlace, ...(outcome.has(`${migrationPlace.pod}.restartPolicy`) ? [migrationPlace] : [])]
    expect(places).toHaveLength(2)
    for (const place of places) {
      const environment = renderedEnvironment(outcome, place, contentOf, join(folder, field))
      expect(Object.keys(environment)).toContain('MONGODB_URL_FILE')
      expect(() => readConfig(environment)).not.toThrow()
    }
  },
)
