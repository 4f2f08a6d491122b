"""The colours of lines, in figures and in reports: those of Okabe & Ito (2008), told apart under colour blindness."""

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
