import { expect, test } from 'vitest'
import { chooseFreePort } from './ports.ts'

const taken =
  (...ports: number[]) =>
  async (port: number) =>
    !ports.includes(port)

test('without a requested port, the first free one from the default on is used', async () => {
  expect(await chooseFreePort(undefined, 8080, taken())).toBe(8080)
  expect(await chooseFreePort('', 8080, taken(8080, 8081))).toBe(8082)
})

test('a port that is in use or invalid is rejected, with what to do', async () => {
  await expect(chooseFreePort('9000', 8080, taken(9000))).rejects.toThrow(/Port 9000 is in use.*PORT=9001 npm run dev/)
  await expect(chooseFreePort('http', 8080, taken())).rejects.toThrow(/PORT http is not a port/)
})
