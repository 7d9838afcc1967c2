import { untilInterrupted } from '../processes/until-interrupted.ts';
import { startMailCatcher } from './start-mail-catcher.ts';

const mail = await startMailCatcher();
console.log(mail.smtpUrl, mail.url);
await untilInterrupted();
await mail.close();
