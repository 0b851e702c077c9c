import { expect, test } from 'vitest'
import { describeLoad, isLoopback, parseOptions } from './options.ts'

const url = ['--url', 'https://auth.example.com']

test('requests are sent only to the named target', () => {
  expect(() => parseOptions([])).toThrow('--url is missing')
  expect(() => parseOptions(['--rate', '10'])).toThrow('--url is missing')
  expect(() => parseOptions(['--url', 'auth.example.com'])).toThrow('is not an HTTP URL')
  expect(() => parseOptions(['--url', 'https://auth.example.com/v1'])).toThrow('https://auth.example.com')
  expect(parseOptions(['--help'])).toBeUndefined()
})

test('rate, duration and connections are bounded', () => {
  for (const [option, tooMuch] of [
    ['--rate', '20001'],
    ['--duration', '601'],
    ['--connections', '2001'],
  ]) {
    expect(() => parseOptions([...url, option ?? '', tooMuch ?? ''])).toThrow(`${option} must be a whole number from 1`)
    expect(() => parseOptions([...url, option ?? '', '0'])).toThrow(`${option} must be`)
  }
})

test('a password comes from a file, never from the command line', () => {
  expect(() => parseOptions([...url, '--email', 'me@example.com'])).toThrow('--password-file')
  expect(() => parseOptions([...url, '--password', 'x'])).toThrow("Unknown option '--password'")
})

test('the load is described first, with the number of requests', () => {
  const options = parseOptions([...url, '--rate', '200', '--duration', '60'])
  expect(options && describeLoad(options)).toBe(
    'GET /.well-known/jwks.json: 200 requests/s for 60 s, 12,000 in total, over 20 connections (one more request opens each) to https://auth.example.com. Ctrl-C ends it.',
  )
})

test('only this machine needs no confirmation', () => {
  expect(isLoopback('http://localhost:8080')).toBe(true)
  expect(isLoopback('http://127.0.0.1:8080')).toBe(true)
  expect(isLoopback('http://[::1]:8080')).toBe(true)
  expect(isLoopback('https://auth.localhost:8443')).toBe(true)
  expect(isLoopback('https://authlocalhost')).toBe(false)
  expect(isLoopback('https://localhost.example.com')).toBe(false)
  expect(isLoopback('https://127.0.0.1.example.com')).toBe(false)
})
