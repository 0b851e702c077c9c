import { longer, shorter } from './common-passwords.generated.ts'

/**
 * Passwords of twelve bytes and more that are newer than the lists of leaks, or that contain the year, in lower case:
 * keyboard patterns, counting, a word and digits.
 */
const patterns = `
    123456789012 1234567890123 12345678901234 123456789abc 1q2w3e4r5t6y 1qaz2wsx3edc
    qwertyuiop12 qwertyuiop123 qwertyuiopas qwertyuiop[] asdfghjkl123 zxcvbnm12345
    passwordpassword password1234 password12345 password123456 password2024! password2025!
    password2026! passw0rd1234 p@ssw0rd1234 p@ssword1234 administrator administrator1
    welcome12345 welcome123456 letmein12345 iloveyou1234 iloveyou12345 trustno1trustno1
    111111111111 000000000000 222222222222 999999999999 aaaaaaaaaaaa abcdefghijkl
    abcdefghijklm abc123abc123 abcd1234abcd changeme1234 changemeplease correcthorsebatterystaple
    football1234 baseball1234 superman1234 monkey123456 dragon123456 master123456
    sunshine1234 princess1234 qwerty123456 qwerty1234567 qwertyqwerty qazwsxedcrfv
    q1w2e3r4t5y6 secretsecret secret123456 thisisapassword thisismypassword mypassword123
    mypassword1234 letmeinletmein adminadminadmin admin1234567 admin12345678 rootrootroot
    test12345678 testtesttest internet1234 computer1234 whatever1234 starwars1234
    hellohello12 hello1234567 michael12345 jennifer1234 liverpool123 manchester123
    chelsea12345 arsenal12345 summer2024!! summer2025!! winter2024!! winter2025!!
    spring2025!! autumn2025!! january12345 monday123456 company12345 default12345
    guestguest12 user12345678 access123456 login1234567 system123456 server123456
    oracle123456 cisco1234567 samsung12345 google123456 facebook1234 facebook12345
    minecraft123 pokemon12345 charlie12345 freedom12345 ashley123456 shadow123456
    killer123456 hunter123456 batman123456 jordan123456 loveme123456 iloveyouforever
    fuckyou12345
`

const common: ReadonlySet<string> = new Set([shorter, longer, patterns].flatMap((words) => words.trim().split(/\s+/)))

/** Whether the password is easy to guess: a leaked one, ignoring case, or a repeated short text. */
export function isCommonPassword(password: string): boolean {
  const text = password.toLowerCase()
  return common.has(text) || /^(.{1,4})\1+$/su.test(text)
}
