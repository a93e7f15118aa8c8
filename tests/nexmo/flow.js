// Drives the unmodified npm client `nexmo` against the service and prints what it hands
// to its caller, one line a call. Before the last cancel it says "wait" and waits for a
// line, so that the test can let its clock go on.
//
// Arguments: the client's folder, port, key's id, key's secret, the provider's inbox,
// two numbers; then, for a client that signs, its signature secret and method.
'use strict';

const [folder, port, apiKey, apiSecret, inbox, first, second, signatureSecret, signatureMethod] =
  process.argv.slice(2);
const Nexmo = require(folder);
const nexmo = new Nexmo(
  { apiKey, apiSecret, signatureSecret, signatureMethod },
  { apiHost: '127.0.0.1', port: Number(port) },
);

const call = (name, method, argument) =>
  new Promise((resolve, reject) => {
    nexmo.verify[method](argument, (error, result) => {
      if (error) {
        reject(new Error(`${name}: ${JSON.stringify(error)}`));
        return;
      }
      console.log(`${name}: ${JSON.stringify(result)}`);
      resolve(result);
    });
  });

const lastCode = async (number) => {
  const { messages } = await (await fetch(`${inbox}?to=${number}`)).json();
  return messages[messages.length - 1].text.match(/\d{4,}/)[0];
};

const goOn = () => new Promise((resolve) => process.stdin.once('data', resolve));

const run = async () => {
  const wanted = { number: first, brand: 'Acme', code_length: '4' };
  const { request_id } = await call('request', 'request', wanted);
  // The same again in the same second is signed alike, and a signature is taken once.
  if (!signatureSecret) await call('duplicate', 'request', wanted);
  const code = await lastCode(first);
  const wrong = code === '1111' ? '2222' : '1111';
  await call('wrong check', 'check', { request_id, code: wrong });
  await call('right check', 'check', { request_id, code });
  if (!signatureSecret) await call('check again', 'check', { request_id, code });
  await call('search', 'search', request_id);
  if (signatureSecret) return;
  await call('cancel of the verified', 'control', { request_id, cmd: 'cancel' });

  const other = await call('second request', 'request', { number: second, brand: 'Acme' });
  const cancel = { request_id: other.request_id, cmd: 'cancel' };
  await call('early cancel', 'control', cancel);
  console.log('wait');
  await goOn();
  await call('cancel', 'control', cancel);
  await call('search both', 'search', [request_id, other.request_id]);
  process.stdin.destroy();
};

run().catch((error) => {
  console.error(error);
  process.exit(1);
});
