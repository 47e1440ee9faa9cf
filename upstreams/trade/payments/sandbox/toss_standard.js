// Stands in for https://js.tosspayments.com/v2/standard in rehearsals: the same names, and what they document of them.
// The real one opens a window over the page, or on a phone leads to another; this one always leads there.
(() => {
  const here = new URL(document.currentScript.src).origin;

  class TossPaymentsError extends Error {
    constructor(code, message) {
      super(message);
      this.code = code;
    }
  }

  function payment({ customerKey }) {
    if (typeof customerKey !== "string" || customerKey.length < 2 || customerKey.length > 300) {
      throw new TossPaymentsError("INVALID_CUSTOMER_KEY", "customerKey");
    }
    return {
      async requestPayment({ method, amount, orderId, orderName, successUrl, failUrl }) {
        if (method !== "CARD") throw new TossPaymentsError("INVALID_METHOD", "method");
        if (typeof amount?.value !== "number" || !amount.currency) {
          throw new TossPaymentsError("INVALID_AMOUNT", "amount");
        }
        if (!/^[A-Za-z0-9_=-]{6,64}$/.test(orderId)) throw new TossPaymentsError("INVALID_ORDER_ID", "orderId");
        if (!orderName || orderName.length > 100) throw new TossPaymentsError("INVALID_ORDER_NAME", "orderName");
        const asked = { orderId, orderName, amount: String(amount.value), currency: amount.currency, successUrl, failUrl };
        location.assign(`${here}/toss/window?${new URLSearchParams(asked)}`);
        await new Promise(() => {}); // the page is left
      },
    };
  }

  window.TossPayments = (clientKey) => {
    if (!/^(test|live)_/.test(clientKey)) throw new TossPaymentsError("INVALID_CLIENT_KEY", "clientKey");
    return { payment };
  };
  window.TossPayments.ANONYMOUS = "ANONYMOUS";
})();
