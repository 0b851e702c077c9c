import { afterEach, expect, test, vi } from 'vitest'
import { type DatabaseSchema, SchemaWatch } from './schema-watch.ts'

const fit: DatabaseSchema = { missingMigrations: [], isStandalone: false }
const emptied: DatabaseSchema = { missingMigrations: ['001-users'], isStandalone: false }

let watch: SchemaWatch | undefined
afterEach(() => watch?.stop())

function watched(read: () => Promise<DatabaseSchema>, isUp = () => true) {
  const changes: DatabaseSchema[] = []
  watch = new SchemaWatch({
    read,
    isUp,
    onChange: (schema) => changes.push(schema),
    onFailure: () => {},
    turnMilliseconds: 5,
    recheckMilliseconds: 50,
  })
  return { watch, changes }
}

test('after a reconnect nothing passes before the database has been read again', async () => {
  let content = fit
  const { watch } = watched(async () => content)
  expect(await watch.current()).toEqual(fit)
  content = emptied
  expect(watch.current(), 'nothing says that it may have changed').toEqual(fit)
  watch.invalidate()
  expect(await watch.current()).toEqual(emptied)
})

test('a read that began before a reconnect does not speak of the database after it', async () => {
  const { promise: before, resolve } = Promise.withResolvers<DatabaseSchema>()
  const read = vi.fn<() => Promise<DatabaseSchema>>().mockReturnValueOnce(before).mockResolvedValue(emptied)
  const { watch } = watched(read)
  const waiting = watch.current()
  watch.invalidate()
  resolve(fit)
  expect(await waiting).toEqual(emptied)
  expect(watch.known).toEqual(emptied)
})

test('what was read last stays known while the database is unavailable, and a dropped one is noticed', async () => {
  let content: DatabaseSchema | undefined = fit
  let isUp = true
  const { watch, changes } = watched(
    async () => {
      if (content === undefined) throw new Error('unavailable')
      return content
    },
    () => isUp,
  )
  watch.start()
  await vi.waitFor(() => expect(watch.known).toEqual(fit))
  isUp = false
  content = undefined
  watch.invalidate()
  await expect(async () => watch.current()).rejects.toThrow('unavailable')
  expect(watch.known).toEqual(fit)
  isUp = true
  content = emptied
  await vi.waitFor(() => expect(changes).toEqual([fit, emptied]))
  content = fit
  await vi.waitFor(() => expect(changes).toEqual([fit, emptied, fit]))
})
