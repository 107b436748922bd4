"""The same model behind other servers, as their documentation would have one write it."""
