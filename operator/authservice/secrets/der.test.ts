import { describe, expect, test } from 'vitest'
import { boolean, objectIdentifier, octetString, time, unsignedInteger } from './der.ts'

const hex = (value: Buffer) => value.toString('hex')

describe('DER', () => {
  // Examples from X.690 and RFC 5280, and output of OpenSSL.
  test.each([
    ['a small number', unsignedInteger(Buffer.from([2])), '020102'],
    ['zero', unsignedInteger(Buffer.from([0])), '020100'],
    ['a number without leading zeros', unsignedInteger(Buffer.from([0, 0, 1, 0])), '02020100'],
    ['a number that would look negative', unsignedInteger(Buffer.from([0x80])), '02020080'],
    ['an object identifier', objectIdentifier('1.2.840.10045.4.3.2'), '06082a8648ce3d040302'],
    ['a boolean', boolean(true), '0101ff'],
    ['a length of one byte', octetString(Buffer.alloc(127)).subarray(0, 2), '047f'],
    ['a length of two bytes', octetString(Buffer.alloc(200)).subarray(0, 3), '0481c8'],
    ['a length of three bytes', octetString(Buffer.alloc(1000)).subarray(0, 4), '048203e8'],
  ])('%s', (_, written, expected) => expect(hex(written)).toBe(expected))

  test('from 2050 on, a time has a four-digit year', () => {
    expect(time(new Date('2049-12-31T23:59:59.900Z')).subarray(2).toString()).toBe('491231235959Z')
    expect(time(new Date('2050-01-01T00:00:00Z')).subarray(2).toString()).toBe('20500101000000Z')
  })
})
