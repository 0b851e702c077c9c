import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '@authservice-operator/api-server/config.ts'
import { afterAll, expect, test } from 'vitest'
import { outcomeOf, withField } from './effects.ts'
import { migrationPlace, renderedEnvironment, serverPlace } from './rendered-environment.ts'
import { managed, rows } from './rows.ts'

const folder = mkdtempSync(join(tmpdir(), 'authservice-environment-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** What the Secrets of the rows hold, by the volume that shows them; others hold what is no matter to the parser. */
const contents: Readonly<Record<string, string>> = {
  url: 'mongodb+srv://auth:secret@cluster.example.com/auth',
  clients: `shop:${'0'.repeat(64)}`,
}

test.each(Object.entries(rows))('what %s makes of the environment, the server takes', (field, row) => {
  const { value, base = managed } = row
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
})
