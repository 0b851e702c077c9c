import { expect, test } from 'vitest'
import { type BackupState, findBackupProblems, openBackup } from './backup-state.ts'

const state: BackupState = {
  missingVolume: undefined,
  lastScheduledAt: new Date('2026-11-02T03:00:00Z'),
  lastSuccessAt: new Date('2026-11-02T03:00:20Z'),
  running: false,
}
const open = (changes: Partial<BackupState>) => openBackup({ ...state, ...changes }, 'accounts-backup')

test('backups are healthy if the last one that was due has succeeded', () => {
  expect(open({})).toBeUndefined()
})

test.each<[string, Partial<BackupState>, RegExp]>([
  ['the volume is missing', { missingVolume: 'backups' }, /^create PersistentVolumeClaim backups/],
  ['none has succeeded yet', { lastSuccessAt: undefined }, /^wait for the first .* --from=cronjob\/accounts-backup/],
  ['the last one failed', { lastSuccessAt: new Date('2026-11-01T03:00:20Z') }, /^the last backup failed/],
])('when %s, the checklist says what to do', (_, changes, sentence) => expect(open(changes)).toMatch(sentence))

test('a running backup has not failed', () => {
  expect(open({ lastSuccessAt: new Date('2026-11-01T03:00:20Z'), running: true })).toBeUndefined()
})

test('without backups, the checklist item is open', () => {
  expect(openBackup(undefined, 'accounts-backup')).toMatch(/^write backup/)
  expect(findBackupProblems(undefined)).toEqual([])
})

test('a missing volume is named', () => {
  expect(findBackupProblems(state)).toEqual([])
  expect(findBackupProblems({ ...state, missingVolume: 'backups' })).toEqual([
    expect.objectContaining({ kind: 'warning', message: expect.stringContaining('PersistentVolumeClaim backups') }),
  ])
})
