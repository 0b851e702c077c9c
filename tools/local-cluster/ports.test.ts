import { createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { chooseEdgePort, portIsFree } from './ports.ts'

const taken =
  (...ports: number[]) =>
  async (port: number) =>
    !ports.includes(port)

test('the edge is on 8443, or the next free port', async () => {
  expect(await chooseEdgePort(undefined, taken())).toBe(8443)
  expect(await chooseEdgePort(undefined, taken(8443, 8444))).toBe(8445)
})

test('a port that the user names is used, or refused with a message that names it', async () => {
  expect(await chooseEdgePort(9443, taken(8443))).toBe(9443)
  await expect(chooseEdgePort(9443, taken(9443))).rejects.toThrow(/^Port 9443 on 127\.0\.0\.1 is taken: /)
})

test('when no port is free, the message names the option for another one', async () => {
  await expect(chooseEdgePort(undefined, async () => false)).rejects.toThrow('--edge-port')
})

test('a port that a server listens on is not free', async () => {
  const server = createServer()
  const port = await new Promise<number>((resolve, reject) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      if (typeof address === 'object' && address !== null) resolve(address.port)
      else reject(new Error('the server has no address'))
    })
  })
  onTestFinished(() => void server.close())
  expect(await portIsFree(port)).toBe(false)
})
