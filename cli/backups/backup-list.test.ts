import { expect, test } from 'vitest'
import { findBackup, formatBackups, formatBytes, parseBackups } from './backup-list.ts'

const listed = `before-restore-20261103T090000Z.archive.gz 4096
20261102T030000Z.archive.gz 1048576
20261101T030000Z.archive.gz 900
20261104T030000Z.archive.gz.partial 12
notes.txt 5`

test('backups are listed newest first, by time and not by name; other files are not listed', () => {
  expect(formatBackups(parseBackups(listed))).toBe(
    [
      'BACKUP                                      TAKEN                 SIZE',
      'before-restore-20261103T090000Z.archive.gz  2026-11-03 09:00:00Z  4.0 KiB',
      '20261102T030000Z.archive.gz                 2026-11-02 03:00:00Z  1.0 MiB',
      '20261101T030000Z.archive.gz                 2026-11-01 03:00:00Z  900 B',
    ].join('\n'),
  )
})

test('latest is the newest scheduled backup, never one that a restore has saved', () => {
  const backups = parseBackups(listed)
  expect(findBackup(backups, 'latest')?.file).toBe('20261102T030000Z.archive.gz')
  expect(findBackup(backups, 'before-restore-20261103T090000Z.archive.gz')?.beforeRestore).toBe(true)
  expect(findBackup(backups, '20990101T000000Z.archive.gz')).toBeUndefined()
  expect(findBackup([], 'latest')).toBeUndefined()
})

test.each([
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [5 * 1024 ** 4, '5.0 TiB'],
  [5 * 1024 ** 5, '5120.0 TiB'],
])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text))
