"""HTTP: the app factory, authentication, bodies, headers, errors. What a function's folder is made of."""
